//! QR codes as SVG: for a screen, and as a card of A6 to print.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around a code, without which readers do not find it (ISO/IEC 18004).
const QUIET: usize = 4;

// The card, in millimetres: A6 upright.
const WIDTH_MM: f64 = 105.0;
const HEIGHT_MM: f64 = 148.0;
const CODE_MM: f64 = 60.0;
const MARGIN_MM: f64 = 10.0;
/// The charity and its number stand below the title, wherever that ends.
const TITLE_UNTIL_MM: f64 = 118.0;
const FOOT_FROM_MM: f64 = 120.0;
/// Sizes of letters that are tried, the largest that fits is taken.
const SIZES_MM: [f64; 5] = [8.0, 6.5, 5.0, 4.2, 3.4];
/// Of a line in sizes of its letters.
const LEADING: f64 = 1.3;
const FONT: &str = "system-ui, 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif";

/// `None`: the text is longer than a code can be.
pub fn code(text: &str) -> Option<String> {
    let (side, path) = modules(text)?;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>\n"
    ))
}

pub fn card(text: &str, title: &str, charity: &str, registration: &str) -> Option<String> {
    let (side, path) = modules(text)?;
    // The dark modules are the 60 mm; the quiet zone is the white around them.
    let module = CODE_MM / (side - 2 * QUIET) as f64;
    let at = (WIDTH_MM - CODE_MM) / 2.0 - QUIET as f64 * module;
    let size = side as f64 * module;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH_MM}mm\" height=\"{HEIGHT_MM}mm\" viewBox=\"0 0 {WIDTH_MM} {HEIGHT_MM}\">\
         <rect width=\"{WIDTH_MM}\" height=\"{HEIGHT_MM}\" fill=\"#fff\"/>\
         <svg x=\"{at:.3}\" y=\"{y:.3}\" width=\"{size:.3}\" height=\"{size:.3}\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path d=\"{path}\" fill=\"#000\"/></svg>\
         <g font-family=\"{FONT}\" text-anchor=\"middle\" fill=\"#000\">",
        y = MARGIN_MM - QUIET as f64 * module,
    );
    let below = MARGIN_MM + CODE_MM + QUIET as f64 * module;
    block(&mut svg, title, "600", below, TITLE_UNTIL_MM, &SIZES_MM);
    let below = block(&mut svg, charity, "400", FOOT_FROM_MM, HEIGHT_MM - MARGIN_MM, &SIZES_MM[2..]);
    block(&mut svg, registration, "400", below, HEIGHT_MM - 4.0, &SIZES_MM[3..]);
    svg.push_str("</g></svg>\n");
    Some(svg)
}

/// Modules in a row with the quiet zone, and the dark ones: one rectangle for each run of a row.
fn modules(text: &str) -> Option<(usize, String)> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let colors = code.to_colors();
    let mut path = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run[0] == Color::Dark {
                let (left, top, long) = (x + QUIET, y + QUIET, run.len());
                write!(path, "M{left} {top}h{long}v1h-{long}z").expect("memory takes text");
            }
            x += run.len();
        }
    }
    Some((width + 2 * QUIET, path))
}

/// Lines between two heights, in the largest letters that fit; where the next block begins.
fn block(svg: &mut String, text: &str, weight: &str, from: f64, until: f64, sizes: &[f64]) -> f64 {
    let fits = |size: &&f64| from + lines(text, **size).len() as f64 * **size * LEADING <= until + 0.01;
    let size = sizes.iter().find(fits).or(sizes.last()).copied().unwrap_or(LEADING);
    let mut y = from;
    for line in lines(text, size) {
        // Letters stand on their line and are lower than their size.
        let foot = y + size;
        let (middle, line) = (WIDTH_MM / 2.0, escaped(&line));
        write!(
            svg,
            "<text x=\"{middle}\" y=\"{foot:.2}\" font-size=\"{size}\" font-weight=\"{weight}\">{line}</text>"
        )
        .expect("memory takes text");
        y += size * LEADING;
    }
    y
}

/// Broken at spaces, and anywhere in Chinese.
fn lines(text: &str, size: f64) -> Vec<String> {
    let room = (WIDTH_MM - 2.0 * MARGIN_MM) / size;
    let (mut lines, mut line, mut taken) = (Vec::new(), String::new(), 0.0);
    for word in words(text) {
        let width: f64 = word.chars().map(width).sum();
        if taken + width > room && !line.trim().is_empty() {
            lines.push(std::mem::take(&mut line).trim().to_owned());
            taken = 0.0;
        }
        // A word that is longer than a line is cut.
        for c in word.chars() {
            if taken + self::width(c) > room && !line.is_empty() {
                lines.push(std::mem::take(&mut line).trim().to_owned());
                taken = 0.0;
            }
            if c == ' ' && line.is_empty() {
                continue;
            }
            line.push(c);
            taken += self::width(c);
        }
    }
    lines.push(line.trim().to_owned());
    lines
}

/// Words with the space behind them; a wide character is a word.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in text.chars() {
        let apart = width(c) >= 1.0;
        let ended = words.last().is_some_and(|word| {
            word.ends_with(' ') || word.chars().next_back().is_some_and(|c| width(c) >= 1.0)
        });
        if apart || ended {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(if c.is_whitespace() { ' ' } else { c });
        }
    }
    words
}

/// In sizes of the letters: Chinese is square, other letters are at most so wide on average.
fn width(c: char) -> f64 {
    if matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{1f000}'..)
    {
        1.0
    } else {
        0.6
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // What XML cannot hold.
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://shop.example/p/school-lunches?from=poster";

    /// The modules that the path of an SVG paints.
    fn painted(svg: &str) -> (usize, Vec<Vec<bool>>) {
        let after = |text: &str, mark: &str| text.split_once(mark).unwrap().1.to_owned();
        let view = after(svg, "viewBox=\"0 0 ");
        let side: usize = view.split([' ', '"']).next().unwrap().parse().unwrap();
        let mut modules = vec![vec![false; side]; side];
        let path = after(svg, "path d=\"M");
        for run in path.split('"').next().unwrap().split('M') {
            let (at, long) = run.trim_end_matches('z').split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let long: usize = long.split_once('v').unwrap().0.parse().unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            modules[y][x..x + long].fill(true);
        }
        (side, modules)
    }

    #[test]
    fn the_svg_paints_the_code_inside_its_quiet_zone() {
        let (side, modules) = painted(&code(LINK).unwrap());
        let expected = QrCode::with_error_correction_level(LINK, EcLevel::M).unwrap();
        assert_eq!(side, expected.width() + 8);
        for (y, row) in modules.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                let inside = (4..side - 4).contains(&x) && (4..side - 4).contains(&y);
                assert_eq!(*dark, inside && expected[(x - 4, y - 4)] == Color::Dark, "{x} {y}");
            }
        }
        assert_eq!(code(&"a".repeat(4_000)), None);
    }

    #[test]
    fn the_card_is_a6_and_says_who() {
        let svg = card(LINK, "Lunches <for> \"all\" & more", "A & B", "53100000X").unwrap();
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"105mm\" height=\"148mm\" viewBox=\"0 0 105 148\">"));
        assert!(
            svg.contains(">Lunches &lt;for&gt;<")
                && svg.contains(">&quot;all&quot; &amp; more<")
                && svg.contains(">53100000X<"),
            "{svg}"
        );
        // The dark modules are 60 mm wide: the inner picture has the quiet zone on both sides.
        let inner = svg.split("<svg x=\"").nth(1).unwrap();
        let number = |name: &str| -> f64 {
            inner.split(name).nth(1).unwrap().split(['"', ' ']).next().unwrap().parse().unwrap()
        };
        let side: f64 = number("viewBox=\"0 0 ");
        let module = number("width=\"") / side;
        assert!((module * (side - 8.0) - 60.0).abs() < 0.05);
        // And nothing is written into it.
        let text: f64 = svg
            .split("<text ")
            .nth(1)
            .unwrap()
            .split("y=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert!(text - SIZES_MM[0] >= 70.0 + 4.0 * module - 0.01, "{text}");
    }

    #[test]
    fn the_longest_texts_stay_on_the_card() {
        for text in ["杏".repeat(100), "w".repeat(100), "two words ".repeat(10), "é".repeat(100)] {
            let svg = card(LINK, &text, &text, &"5".repeat(40)).unwrap();
            for line in svg.split("<text ").skip(1) {
                let y: f64 = line.split("y=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
                assert!(y <= HEIGHT_MM - 3.0, "{text}: {y}");
                let shown = line.split('>').nth(1).unwrap().split('<').next().unwrap();
                let size: f64 =
                    line.split("font-size=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
                let wide: f64 = shown.chars().map(width).sum::<f64>() * size;
                assert!(wide <= WIDTH_MM - 2.0 * MARGIN_MM + 0.01, "{shown}");
            }
        }
    }

    #[test]
    fn lines_break_at_spaces_and_in_chinese() {
        assert_eq!(lines("one two", 100.0 * 85.0), ["o", "n", "e", "t", "w", "o"]);
        assert_eq!(lines("lunches for schools", 8.5), ["lunches for", "schools"]);
        assert_eq!(lines("山村小学午餐山村小学午餐", 8.5), ["山村小学午餐山村小学", "午餐"]);
    }
}
