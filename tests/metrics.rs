//! docs/metrics.md names every meter of the code, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Names between `quote`s that begin as ours do, or as those that all programs have.
fn names(text: &str, quote: char) -> impl Iterator<Item = String> {
    let named = |word: &&str| {
        let rest = word.strip_prefix("apricot_").or_else(|| word.strip_prefix("process_"));
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    text.split(quote).filter(named).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

fn in_code(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_code(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let meters = path.ends_with("meters.rs") || text.contains("metrics::");
            found.extend(names(&text, '"').filter(|_| meters));
        }
    }
}

#[test]
fn the_page_and_the_code_name_the_same_meters() {
    let mut coded = BTreeSet::new();
    in_code(Path::new("src"), &mut coded);
    let documented: BTreeSet<String> = names(&fs::read_to_string("docs/metrics.md").unwrap(), '`').collect();
    assert!(coded.len() > 15, "{coded:?}");
    assert_eq!(coded, documented);
}
