//! Words of the registry, the same for both engines. Texts are cut here and written as plain letters and digits, so that SQLite's FTS5 and
//! PostgreSQL's `simple` configuration have nothing left to decide.
//!
//! Chinese is written without spaces: each ideograph is a word of its own, and a run of them in a query is a phrase. Other words are
//! lower-cased, and in a query each stands for all that begin with it.

use std::fmt::Write;

use crate::model::OutOfBound;

const QUERY_CHARACTERS_MAX: usize = 100;

/// What is looked for; all of it must be there. Nothing of the query's own syntax is left in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    /// Ideographs that stand one after the other.
    Phrase(Vec<String>),
    /// The begin of a word.
    Prefix(String),
}

enum Piece {
    Ideograph(char),
    Word(String),
    Break,
}

impl Search {
    /// `None`: nothing is asked for. A query of signs alone asks for something that nothing has.
    pub fn parse(query: &str) -> Result<Option<Self>, OutOfBound> {
        // Counted without reading on: a query may be of any length.
        if query.chars().nth(QUERY_CHARACTERS_MAX).is_some() {
            return Err(OutOfBound::new("q", format!("0..={QUERY_CHARACTERS_MAX} characters")));
        }
        if query.trim().is_empty() {
            return Ok(None);
        }
        let (mut terms, mut run) = (Vec::new(), Vec::new());
        for piece in pieces(query).chain([Piece::Break]) {
            match piece {
                Piece::Ideograph(c) => run.push(encoded(c.encode_utf8(&mut [0; 4]))),
                Piece::Word(_) | Piece::Break => {
                    if !run.is_empty() {
                        terms.push(Term::Phrase(std::mem::take(&mut run)));
                    }
                    if let Piece::Word(word) = piece {
                        terms.push(Term::Prefix(encoded(&word)));
                    }
                }
            }
        }
        Ok(Some(Self(terms)))
    }

    /// Nothing has it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As FTS5 asks.
    pub fn fts5(&self) -> String {
        let terms = self.0.iter().map(|term| match term {
            Term::Phrase(words) => format!("\"{}\"", words.join(" ")),
            Term::Prefix(word) => format!("\"{word}\" *"),
        });
        terms.collect::<Vec<_>>().join(" AND ")
    }

    pub fn fts5_in_title(&self) -> String {
        format!("title : ({})", self.fts5())
    }

    /// As PostgreSQL asks.
    pub fn tsquery(&self) -> String {
        self.tsquery_of("", "*")
    }

    /// Titles have the weight A.
    pub fn tsquery_in_title(&self) -> String {
        self.tsquery_of(":A", "*A")
    }

    fn tsquery_of(&self, weight: &str, prefix: &str) -> String {
        let terms = self.0.iter().map(|term| match term {
            Term::Phrase(words) => {
                let words: Vec<_> = words.iter().map(|word| format!("{word}{weight}")).collect();
                format!("({})", words.join(" <-> "))
            }
            Term::Prefix(word) => format!("{word}:{prefix}"),
        });
        terms.collect::<Vec<_>>().join(" & ")
    }
}

/// The words of texts, `x` between one text and the next.
pub fn words<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts = texts.into_iter().map(|text| {
        let words = pieces(text).filter_map(|piece| match piece {
            Piece::Ideograph(c) => Some(encoded(c.encode_utf8(&mut [0; 4]))),
            Piece::Word(word) => Some(encoded(&word)),
            Piece::Break => None,
        });
        words.collect::<Vec<_>>().join(" ")
    });
    texts.collect::<Vec<_>>().join(" x ")
}

/// Signs and spaces are one break, whatever their number.
fn pieces(text: &str) -> impl Iterator<Item = Piece> {
    let (mut pieces, mut word) = (Vec::new(), String::new());
    let folded = text.chars().map(narrow).flat_map(char::to_lowercase).filter(|c| !is_accent(*c));
    for c in folded {
        if c.is_alphanumeric() && !is_ideograph(c) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            pieces.push(Piece::Word(std::mem::take(&mut word)));
        }
        pieces.push(if is_ideograph(c) { Piece::Ideograph(c) } else { Piece::Break });
    }
    if !word.is_empty() {
        pieces.push(Piece::Word(word));
    }
    pieces.into_iter()
}

/// Full-width letters, digits and signs as those of ASCII: Chinese input methods make both.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    }
}

/// Written apart from their letter; they would break the word.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// What is written without spaces: Han, with its marks of repetition and zero, and kana.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3005}' | '\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
        && c.is_alphanumeric()
}

/// A letter first, so that no number, address or file name is seen in it; then a to y and digits as they are, everything else after a z.
/// The begin of a word is the begin of its code.
fn encoded(word: &str) -> String {
    let mut code = String::with_capacity(word.len() + 1);
    code.push('w');
    for c in word.chars() {
        match c {
            'a'..='y' | '0'..='9' => code.push(c),
            'z' => code.push_str("zz"),
            c => write!(code, "z{:06x}", c as u32).expect("memory takes text"),
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fts5(query: &str) -> String {
        Search::parse(query).unwrap().unwrap().fts5()
    }

    #[test]
    fn texts_are_cut_alike_however_they_are_typed() {
        assert_eq!(words(["Apricot-Hill 2027"]), "wapricot whill w2027");
        assert_eq!(words(["ＡＢＣ１２", "abc12"]), "wabc12 x wabc12");
        assert_eq!(words(["杏a"]), "wz00674f wa");
        assert_eq!(words(["zig"]), "wzzig");
        assert_eq!(words(["e\u{301}te"]), "wete");
        assert_eq!(words(["🌞 · !"]), "");
    }

    #[test]
    fn a_query_is_phrases_and_begins_of_words() {
        assert_eq!(fts5("山村 School"), "\"wz005c71 wz006751\" AND \"wschool\" *");
        let search = Search::parse("山村a").unwrap().unwrap();
        assert_eq!(search.tsquery(), "(wz005c71 <-> wz006751) & wa:*");
        assert_eq!(search.tsquery_in_title(), "(wz005c71:A <-> wz006751:A) & wa:*A");
        assert_eq!(search.fts5_in_title(), "title : (\"wz005c71 wz006751\" AND \"wa\" *)");
    }

    #[test]
    fn nothing_is_asked_for_and_too_much_is_refused() {
        assert_eq!(Search::parse(" \n"), Ok(None));
        assert!(Search::parse("\" OR * NOT 🌞").unwrap().is_some_and(|search| !search.is_empty()));
        assert!(Search::parse("\"'():*&|!<->\0🌞").unwrap().unwrap().is_empty());
        assert!(Search::parse(&"杏".repeat(100)).is_ok());
        let refused = Search::parse(&"杏".repeat(101)).unwrap_err();
        assert_eq!(refused.to_string(), "q must be 0..=100 characters");
        assert!(Search::parse(&"a\0\"".repeat(3_500)).is_err());
    }

    proptest! {
        /// Nothing but words, quotes and the operators that are put between.
        #[test]
        fn no_syntax_of_a_query_is_left(query in ".{0,100}") {
            let Some(search) = Search::parse(&query).unwrap() else { return Ok(()) };
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            let fts5 = search.fts5().replace(" AND ", " ").replace("\" *", "\"").replace('"', "");
            prop_assert!(fts5.chars().all(|c| plain(c) || c == ' '), "{fts5}");
            let tsquery = search.tsquery().replace(" <-> ", " ").replace(" & ", " ").replace(":*", "");
            prop_assert!(tsquery.chars().all(|c| plain(c) || matches!(c, ' ' | '(' | ')')), "{tsquery}");
        }

        #[test]
        fn a_word_begins_as_its_code(a in "[a-z0-9é杏ß]{1,6}", b in "[a-z0-9é杏ß]{1,6}") {
            prop_assert_eq!(encoded(&a).starts_with(&encoded(&b)), a.starts_with(&b));
        }
    }
}
