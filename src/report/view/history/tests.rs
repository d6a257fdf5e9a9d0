//! What the page says of small histories, and what it weighs with a long one.
