//! What a page takes from the web's side: the chart library, where it was fetched.

mod library;

pub use library::ChartLibrary;
