//! Whether two tokenizers are the same, on texts of all kinds of characters.

use std::fmt;

use crate::error::Result;
use crate::visible::one_line;
use crate::workload::{TextTokenizer, TokenId};

/// Texts on which implementations of the same tokenizer have differed, each by the kind of its characters.
const TEXTS: [(&str, &str); 18] = [
    ("words", "Hello, World! It's what they'd said: I'll go, WE'RE here, don'T."),
    ("digits", "0 12 123 1234 12345678 1,234.56 3.14e-10 ²³ ½ Ⅷ ٣٤٥ 一二三"),
    (
        "punctuation",
        "...!?!?!--- (a[b]{c}) <d/> `e` \"f\" 'g' \u{201c}h\u{201d} \u{2018}i\u{2019} \u{2026} \u{2014} #$%&*+=@^_|~\\",
    ),
    ("program", "def f(x):\n\tif x != 0:\n\t\treturn {'a': [x**2, -x]}  # why\n\n\r\nfor(;;){}//\n"),
    (
        "runs of white space",
        "a  b   c\t\td \t e\n\n\nf \n \n g\r\n\r\nh\u{a0}\u{a0}i\u{2003}j\u{3000}k\u{2028}l\u{85}m  ",
    ),
    ("white space alone", " \t \n  "),
    (
        "Latin with accents",
        "na\u{ef}ve caf\u{e9} \u{c5}ngstr\u{f6}m \u{df} \u{1c5} \u{fb01} \u{130}\u{131} stra\u{df}e",
    ),
    (
        "combining marks",
        "e\u{301} o\u{308} A\u{30a} q\u{307}\u{323} q\u{323}\u{307} \u{1100}\u{1161}\u{11a8} \u{915}\u{94d}\u{937}\u{93f} a\u{300}\u{301}\u{302}\u{303}",
    ),
    (
        "CJK",
        "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{6587}\u{7ae0}\u{3067}\u{3059}\u{3002} \u{4e2d}\u{6587}\u{ff0c}\u{7e41}\u{9ad4}\u{5b57}\u{3002}\u{d55c}\u{ad6d}\u{c5b4} \u{ff76}\u{ff80}\u{ff76}\u{ff85} \u{ff21}\u{ff22}\u{ff11} \u{20000}",
    ),
    (
        "other scripts",
        "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442} \u{393}\u{3b5}\u{3b9}\u{3ac} \u{e2a}\u{e27}\u{e31}\u{e2a}\u{e14}\u{e35} \u{928}\u{92e}\u{938}\u{94d}\u{924}\u{947} \u{1230}\u{120b}\u{121d}",
    ),
    (
        "right to left",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd} abc \u{645}\u{631}\u{62d}\u{628}\u{627} 123 \u{200f}\u{202e}x\u{202c} \u{627}\u{64e}\u{644}\u{200c}\u{639}",
    ),
    (
        "emoji",
        "\u{1f600}\u{1f44d}\u{1f3fd} \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f1e9}\u{1f1ea} \u{2764}\u{fe0f} 1\u{fe0f}\u{20e3} \u{1f3f4}\u{e0067}\u{e0062}\u{e007f}",
    ),
    (
        "control characters",
        "a\u{0}b\u{1}c\u{7}\u{8}\u{b}\u{c}\u{1b}[31md\u{7f}e\u{9b}f\u{200b}g\u{2060}h\u{feff}i\u{ad}j",
    ),
    ("private and unassigned characters", "\u{e000} \u{f8ff} \u{fffd} \u{ffff} \u{10ffff} \u{378} \u{1f9ff}"),
    (
        "escapes",
        "\\n \\u0041 \\x41 \\ud800 %41 &amp; &#65; \\\\ {{x}} ${y} <0x0A> \u{2581}a \u{120}b ##c </w>",
    ),
    ("links", "https://a.example/b?c=d&e=%20f#g mailto:h@i.example C:\\j\\k ./l-m_n.o"),
    (
        "one long word",
        "Donaudampfschifffahrtselektrizit\u{e4}tenhauptbetriebswerkbauunterbeamtengesellschaftAAAAAAAAAAAAAAAAAAAAAAAA",
    ),
    (
        "mathematics",
        "\u{2200}x\u{2208}\u{211d}: \u{2211}\u{1d465}\u{00b2} \u{2264} \u{221e} \u{00d7} \u{2260} \u{2192} \u{1d54f}",
    ),
];
/// Ids of each side that are shown from the first difference on.
const SHOWN: usize = 6;

/// The first place at which two tokenizers differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenizerDifference {
    /// Which text.
    pub text: String,
    /// What comes before the place.
    pub after: String,
    /// What differs.
    pub what: Differing,
}

/// What of two tokenizers differs, of the first and of the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Differing {
    /// The ids of a text.
    Ids {
        /// The position of the first ids that differ.
        position: usize,
        /// The ids from there on.
        ids: [Vec<TokenId>; 2],
    },
    /// The text of the same ids.
    Decoded {
        /// The position of the first character that differs.
        position: usize,
        /// The text from there on.
        texts: [String; 2],
    },
}

/// Compares two tokenizers on these texts, by name, and on texts of all kinds of characters. Gives the first difference,
/// or none and on how many texts.
///
/// # Errors
/// When one of them refuses a text.
pub fn compare_tokenizers(
    one: &TextTokenizer,
    other: &TextTokenizer,
    texts: &[(String, String)],
) -> Result<(Option<TokenizerDifference>, usize)> {
    let mut all = texts.to_vec();
    all.extend(TEXTS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    let special: Vec<String> = [one, other].iter().flat_map(|tokenizer| tokenizer.special_tokens()).collect();
    if !special.is_empty() {
        all.push((
            "special tokens as text".to_owned(),
            format!("a{}", special.join(" b ") + &special.concat()),
        ));
    }
    let whole: Vec<&str> = all.iter().map(|(_, text)| text.as_str()).collect();
    all.push(("all of these".to_owned(), whole.join("\n")));
    for (name, text) in &all {
        if let Some(difference) = difference_on(name, text, one, other)? {
            return Ok((Some(difference), all.len()));
        }
    }
    Ok((None, all.len()))
}

fn difference_on(
    name: &str,
    text: &str,
    one: &TextTokenizer,
    other: &TextTokenizer,
) -> Result<Option<TokenizerDifference>> {
    let ids = [one.ids_of(text)?, other.ids_of(text)?];
    if let Some(position) = first_difference(&ids[0], &ids[1]) {
        let after = one.decode(&ids[0][..position])?;
        let ids = ids.map(|ids| ids[position..].iter().copied().take(SHOWN).collect());
        return Ok(Some(TokenizerDifference {
            text: name.to_owned(),
            after,
            what: Differing::Ids { position, ids },
        }));
    }
    let texts = [one.decode(&ids[0])?, other.decode(&ids[0])?].map(|text| text.chars().collect::<Vec<_>>());
    Ok(first_difference(&texts[0], &texts[1]).map(|position| TokenizerDifference {
        text: name.to_owned(),
        after: texts[0][..position].iter().collect(),
        what: Differing::Decoded { position, texts: texts.map(|text| text[position..].iter().collect()) },
    }))
}

fn first_difference<T: PartialEq>(one: &[T], other: &[T]) -> Option<usize> {
    let differs = one.iter().zip(other).position(|(one, other)| one != other);
    differs.or((one.len() != other.len()).then_some(one.len().min(other.len())))
}

impl fmt::Display for TokenizerDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = |text: &str, last: bool| {
            let characters: Vec<char> = text.chars().collect();
            let from = if last { characters.len().saturating_sub(20) } else { 0 };
            one_line(&characters[from..].iter().take(20).collect::<String>())
        };
        let shown = |ids: &[TokenId]| {
            let ids = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            if ids.is_empty() { "none".to_owned() } else { ids }
        };
        let after = if self.after.is_empty() {
            String::new()
        } else {
            format!(", after `{}`", cut(&self.after, true))
        };
        match &self.what {
            Differing::Ids { position, ids: [one, other] } => write!(
                f,
                "text `{}`, token {position}{after}: ids {} and {}",
                one_line(&self.text),
                shown(one),
                shown(other)
            ),
            Differing::Decoded { position, texts: [one, other] } => write!(
                f,
                "text `{}`, decoded, character {position}{after}: `{}` and `{}`",
                one_line(&self.text),
                cut(one, false),
                cut(other, false)
            ),
        }
    }
}
