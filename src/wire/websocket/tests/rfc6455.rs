//! The rules of RFC 6455 that a server keeps, by section.

use super::*;

fn text(text: &str) -> Heard {
    Heard::Text(text.into())
}

#[test]
fn the_examples_5_7() {
    assert_eq!(
        heard(false, &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]),
        Ok(vec![text("Hello")])
    );
}
