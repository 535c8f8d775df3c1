//! Lists come in pages: `?cursor=` is what the page before gave, `?limit=` how many.

use axum::extract::Query;
use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{Call, Refused};
use crate::model::OutOfBound;
use crate::store::journal::Page;

pub const LIMIT_DEFAULT: u32 = 20;
pub const LIMIT_MAX: u32 = 100;
/// A key is at most a subject of 80 characters and a time.
const CURSOR_BYTES_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    cursor: String,
    limit: Option<String>,
    mine: Option<bool>,
}

impl<B> Call<B> {
    pub fn page(&self) -> Result<Page, Refused> {
        Ok(asked(&self.uri)?)
    }

    /// And whether only one's own are wanted.
    pub fn page_of_rooms(&self) -> Result<(Page, bool), Refused> {
        let wanted = "only `cursor`, `limit` and `mine`, which is true or false, once each";
        let (page, mine) = read(&self.uri, wanted)?;
        Ok((page, mine.unwrap_or(false)))
    }
}

/// The page that an address asks for.
pub fn asked(uri: &Uri) -> Result<Page, OutOfBound> {
    let wanted = "only `cursor` and `limit`, once each";
    match read(uri, wanted)? {
        (page, None) => Ok(page),
        (_, Some(_)) => Err(OutOfBound::new("query", wanted)),
    }
}

fn read(uri: &Uri, wanted: &'static str) -> Result<(Page, Option<bool>), OutOfBound> {
    let Query(asked) = Query::<Asked>::try_from_uri(uri).map_err(|_| OutOfBound::new("query", wanted))?;
    Ok((page(&asked.cursor, asked.limit.as_deref())?, asked.mine))
}

/// Of the two parts of a query that every list takes.
pub fn page(cursor: &str, limit: Option<&str>) -> Result<Page, OutOfBound> {
    Ok(Page { after: after(cursor)?, limit: self::limit(limit)? })
}

/// What the next page is asked for with; empty at the end.
pub fn cursor(next: Option<&str>) -> String {
    next.map(|key| URL_SAFE_NO_PAD.encode(key)).unwrap_or_default()
}

fn after(cursor: &str) -> Result<Option<String>, OutOfBound> {
    let wanted = || OutOfBound::new("cursor", "empty, or the nextCursor of the page before");
    if cursor.is_empty() {
        return Ok(None);
    }
    if cursor.len() > CURSOR_BYTES_MAX {
        return Err(wanted());
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wanted())?;
    String::from_utf8(bytes).map(Some).map_err(|_| wanted())
}

fn limit(text: Option<&str>) -> Result<u32, OutOfBound> {
    let Some(text) = text else { return Ok(LIMIT_DEFAULT) };
    let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| OutOfBound::new("limit", format!("1..={LIMIT_MAX}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_the_key_it_was() {
        assert_eq!(after(&cursor(Some("wang 1790000000000"))), Ok(Some("wang 1790000000000".into())));
        assert_eq!(after(&cursor(None)), Ok(None));
    }

    #[test]
    fn limits_and_cursors_have_bounds() {
        assert_eq!(limit(None), Ok(LIMIT_DEFAULT));
        assert_eq!(limit(Some("100")), Ok(100));
        for text in ["0", "101", "-1", "many", ""] {
            assert_eq!(limit(Some(text)).unwrap_err().field, "limit");
        }
        assert!(after("not base64!").is_err() && after(&"a".repeat(300)).is_err());
    }
}
