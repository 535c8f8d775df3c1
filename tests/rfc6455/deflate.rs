//! DEFLATE (RFC 1951) as messages carry it (RFC 7692 7.2), small and strict. It knows how far back a match reached, which a library
//! does not tell.

use std::collections::HashMap;

/// No window is larger.
const WINDOW_BYTES: usize = 32 * 1024;
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

const LENGTHS: [(usize, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// The nearest distance of a code, and its extra bits.
fn distance(code: usize) -> (usize, u8) {
    match code {
        0..2 => (code + 1, 0),
        _ => {
            let extra = code / 2 - 1;
            (((2 + code % 2) << extra) + 1, u8::try_from(extra).expect("at most 13"))
        }
    }
}

/// Keeps its window from one message to the next.
#[derive(Default)]
pub struct Inflater {
    window: Vec<u8>,
    /// Forget the window after each message.
    no_takeover: bool,
    /// The farthest that any match reached back.
    pub farthest: usize,
}

impl Inflater {
    pub fn new(no_takeover: bool) -> Self {
        Self { no_takeover, ..Self::default() }
    }

    pub fn inflate(&mut self, message: &[u8]) -> Result<Vec<u8>, &'static str> {
        let bytes = [message, &TAIL].concat();
        let mut bits = Bits { bytes: &bytes, at: 0 };
        let keep = self.window.len();
        while bits.at / 8 < bytes.len() {
            let last = bits.take(1)? == 1;
            match bits.take(2)? {
                0 => self.stored(&mut bits)?,
                1 => {
                    let symbols = [vec![8; 144], vec![9; 112], vec![7; 24], vec![8; 8]].concat();
                    self.coded(&mut bits, &Code::new(&symbols), &Code::new(&[5; 30]))?;
                }
                2 => {
                    let (symbols, distances) = codes(&mut bits)?;
                    self.coded(&mut bits, &symbols, &distances)?;
                }
                _ => return Err("a block of type 3"),
            }
            if last {
                bits.align();
            }
        }
        let message = self.window.split_off(keep);
        if !self.no_takeover {
            self.window.extend(&message);
            self.window.drain(..self.window.len().saturating_sub(WINDOW_BYTES));
        }
        Ok(message)
    }

    fn stored(&mut self, bits: &mut Bits) -> Result<(), &'static str> {
        bits.align();
        let (length, inverse) = (bits.take(16)?, bits.take(16)?);
        if length != !inverse & 0xFFFF {
            return Err("a stored block's length is not its inverse's");
        }
        for _ in 0..length {
            let byte = bits.take(8)?;
            self.window.push(u8::try_from(byte).expect("eight bits"));
        }
        Ok(())
    }

    fn coded(&mut self, bits: &mut Bits, symbols: &Code, distances: &Code) -> Result<(), &'static str> {
        loop {
            let symbol = symbols.next(bits)?;
            if let Ok(byte) = u8::try_from(symbol) {
                self.window.push(byte);
                continue;
            }
            if symbol == 256 {
                return Ok(());
            }
            let (length, extra) = *LENGTHS.get(symbol - 257).ok_or("a length that is not")?;
            let length = length + bits.take(extra)?;
            let (far, extra) = distance(distances.next(bits)?);
            let far = far + bits.take(extra)?;
            self.farthest = self.farthest.max(far);
            let start = self.window.len().checked_sub(far).ok_or("a match before the window")?;
            for index in start..start + length {
                self.window.push(self.window[index]);
            }
        }
    }
}

/// The two codes of a block that brings its own.
fn codes(bits: &mut Bits) -> Result<(Code, Code), &'static str> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let (symbols, distances, own) = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let mut lengths = [0; 19];
    for place in &ORDER[..own] {
        lengths[*place] = u8::try_from(bits.take(3)?).expect("three bits");
    }
    let code = Code::new(&lengths);
    let mut lengths = Vec::new();
    while lengths.len() < symbols + distances {
        let (length, times) = match code.next(bits)? {
            16 => (*lengths.last().ok_or("a repeat of nothing")?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (u8::try_from(length).expect("at most 15"), 1),
        };
        lengths.extend(vec![length; times]);
    }
    if lengths.len() > symbols + distances {
        return Err("a repeat beyond the end");
    }
    Ok((Code::new(&lengths[..symbols]), Code::new(&lengths[symbols..])))
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u8) -> Result<usize, &'static str> {
        let mut value = 0;
        for place in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or("it ends too early")?;
            value |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Ok(value)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}

/// A canonical Huffman code: how many symbols have each length, and the symbols in the order of their codes.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        for length in lengths.iter().filter(|length| **length > 0) {
            counts[usize::from(*length)] += 1;
        }
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|symbol| lengths[*symbol] > 0).collect();
        symbols.sort_by_key(|symbol| (lengths[*symbol], *symbol));
        Self { counts, symbols }
    }

    fn next(&self, bits: &mut Bits) -> Result<usize, &'static str> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            if code < first + count {
                return Ok(self.symbols[index + code - first]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err("a code that is not")
    }
}

/// Shorter matches are not looked for.
const MATCH_LEAST: usize = 8;

/// Writes blocks with the fixed code, and refers to earlier messages wherever it can.
pub struct Deflater {
    window: Vec<u8>,
    /// Where the next eight bytes were seen last.
    seen: HashMap<[u8; MATCH_LEAST], usize>,
    /// Forget the window after each message.
    no_takeover: bool,
    /// How far back a match may reach.
    reach: usize,
}

impl Default for Deflater {
    fn default() -> Self {
        Self::new(false, WINDOW_BYTES)
    }
}

impl Deflater {
    pub fn new(no_takeover: bool, reach: usize) -> Self {
        Self { window: Vec::new(), seen: HashMap::new(), no_takeover, reach }
    }

    pub fn deflate(&mut self, message: &[u8]) -> Vec<u8> {
        let mut out = Out::default();
        out.low(0b010, 3);
        let mut at = self.window.len();
        self.window.extend(message);
        while at < self.window.len() {
            let length = match self.longest(at) {
                Some((far, length)) => {
                    out.reference(far, length);
                    length
                }
                None => {
                    out.symbol(usize::from(self.window[at]));
                    1
                }
            };
            for passed in at..at + length {
                if let Some(next) = self.window[passed..].first_chunk() {
                    self.seen.insert(*next, passed);
                }
            }
            at += length;
        }
        out.symbol(256);
        // An empty stored block, whose four bytes are left out.
        out.low(0, 3);
        if self.no_takeover {
            self.window.clear();
            self.seen.clear();
        }
        out.bytes
    }

    /// How far back, and how much.
    fn longest(&self, at: usize) -> Option<(usize, usize)> {
        let far = at - self.seen.get(self.window[at..].first_chunk()?)?;
        let ahead = self.window[at..].iter().take(258);
        let length = ahead.zip(&self.window[at - far..]).take_while(|(a, b)| a == b).count();
        (far <= self.reach).then_some((far, length))
    }
}

#[derive(Default)]
struct Out {
    bytes: Vec<u8>,
    used: u8,
}

impl Out {
    /// The lowest bit first.
    fn low(&mut self, value: usize, count: u8) {
        for place in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
                self.used = 0;
            }
            let bit = u8::try_from(value >> place & 1).expect("a bit");
            *self.bytes.last_mut().expect("a byte") |= bit << self.used;
            self.used += 1;
        }
    }

    /// The highest bit first, as codes are written.
    fn high(&mut self, value: usize, count: u8) {
        for place in (0..count).rev() {
            self.low(value >> place & 1, 1);
        }
    }

    fn symbol(&mut self, symbol: usize) {
        match symbol {
            0..144 => self.high(0x30 + symbol, 8),
            144..256 => self.high(0x190 + symbol - 144, 9),
            256..280 => self.high(symbol - 256, 7),
            _ => self.high(0xC0 + symbol - 280, 8),
        }
    }

    fn reference(&mut self, far: usize, length: usize) {
        let code = LENGTHS.iter().rposition(|(least, _)| *least <= length).expect("at least three");
        self.symbol(257 + code);
        self.low(length - LENGTHS[code].0, LENGTHS[code].1);
        let code = (0..30).rfind(|code| distance(*code).0 <= far).expect("at least one");
        self.high(code, 5);
        self.low(far - distance(code).0, distance(code).1);
    }
}

/// RFC 7692 7.2.3: "Hello" in every way that its examples show.
#[test]
fn the_examples_of_rfc_7692_are_read_and_written() {
    let examples: [&[u8]; 5] = [
        &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
        &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
        &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
        &[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
        &[0xF2, 0x00, 0x11, 0x00, 0x00],
    ];
    let mut inflater = Inflater::default();
    for example in examples {
        assert_eq!(inflater.inflate(example).as_deref(), Ok(&b"Hello"[..]), "{example:02x?}");
    }
    let mut deflater = Deflater::default();
    assert_eq!(deflater.deflate(b"Hello"), examples[0]);
}

#[test]
fn what_is_deflated_is_inflated() {
    let (mut deflater, mut inflater) = (Deflater::default(), Inflater::default());
    let digits: String = (0..4_000).map(|number| number.to_string()).collect();
    for message in [digits.as_bytes(), "杏子".repeat(900).as_bytes(), &[0; 100_000], b"", digits.as_bytes()]
    {
        assert_eq!(inflater.inflate(&deflater.deflate(message)).as_deref(), Ok(message));
    }
}
