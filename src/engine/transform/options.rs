//! The options of an arm's name: `k6v4,form=prod,norm-correction`.

use crate::error::{Error, Result};

/// More rows than a context holds, and few enough that sums and products of them are numbers.
const LARGEST_COUNT: usize = 1 << 24;
const COUNT: &str = "give a whole number up to 16777216";

/// A number of rows or of elements in words.
pub(super) fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|count| *count <= LARGEST_COUNT)
}

/// What stands behind the colon of a name, taken option by option.
pub(super) struct Options<'a> {
    whole: &'a str,
    left: Vec<&'a str>,
    known: Vec<String>,
}

impl<'a> Options<'a> {
    pub(super) fn parse(whole: &'a str, options: &'a str) -> Result<Self> {
        let left: Vec<&str> = if options.is_empty() { Vec::new() } else { options.split(',').collect() };
        let this = Self { whole, left, known: Vec::new() };
        for (index, option) in this.left.iter().enumerate() {
            let name = |option: &str| option.split('=').next().map(str::to_owned);
            if option.is_empty() {
                return Err(this.fault("", "put one comma between two options"));
            }
            if this.left[..index].iter().any(|before| name(before) == name(option)) {
                return Err(this.fault(option, "give each option once"));
            }
        }
        Ok(this)
    }

    /// An error that names the wrong part.
    pub(super) fn fault(&self, part: &str, hint: &str) -> Error {
        Error::input(format!("`{part}` does not fit in the KV transform `{}`", self.whole)).hint(hint)
    }

    /// The option that has no name and is no flag: the first such that fits.
    pub(super) fn first<T>(&mut self, what: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
        let candidates = self.left.iter().position(|option| parse(option).is_some());
        let found = candidates.and_then(|index| parse(self.left.remove(index)));
        found.ok_or_else(|| {
            let unfit = self.left.iter().find(|option| !option.contains('='));
            self.fault(unfit.unwrap_or(&self.whole), &format!("give {what}"))
        })
    }

    /// The value of `name=value`.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>> {
        self.known.push(format!("`{name}=`"));
        let named = |option: &&str| option.split_once('=').is_some_and(|(it, _)| it == name);
        let Some(index) = self.left.iter().position(named) else { return Ok(None) };
        let option = self.left.remove(index);
        match option.split_once('=') {
            Some((_, value)) if !value.is_empty() => Ok(Some(value.to_owned())),
            _ => Err(self.fault(option, "give a value after `=`")),
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.known.push(format!("`{name}`"));
        let index = self.left.iter().position(|option| *option == name);
        index.map(|index| self.left.remove(index)).is_some()
    }

    /// Any whole number.
    pub(super) fn seed(&mut self, default: u64) -> Result<u64> {
        let Some(text) = self.text("seed")? else { return Ok(default) };
        text.parse().map_err(|_| self.fault(&format!("seed={text}"), "give a whole number"))
    }

    /// A number of rows or of elements.
    pub(super) fn count(&mut self, name: &str, default: usize) -> Result<usize> {
        let Some(text) = self.text(name)? else { return Ok(default) };
        count(&text).ok_or_else(|| self.fault(&format!("{name}={text}"), COUNT))
    }

    pub(super) fn positive(&mut self, name: &str, default: usize) -> Result<usize> {
        match self.count(name, default)? {
            0 => Err(self.fault(&format!("{name}=0"), "give a number above 0")),
            number => Ok(number),
        }
    }

    pub(super) fn choice<T: Default + Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Result<T> {
        let Some(text) = self.text(name)? else { return Ok(T::default()) };
        let found = choices.iter().find(|(choice, _)| *choice == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<String> = choices.iter().map(|(choice, _)| format!("`{choice}`")).collect();
            self.fault(&format!("{name}={text}"), &format!("there are {}", names.join(", ")))
        })
    }

    /// Refuses what was not taken.
    pub(super) fn end(self) -> Result<()> {
        match self.left.first() {
            None => Ok(()),
            Some(option) if self.known.is_empty() => Err(self.fault(option, "it has no options")),
            Some(option) => Err(self.fault(option, &format!("its options are {}", self.known.join(", ")))),
        }
    }
}
