//! `Sec-WebSocket-Extensions` (RFC 6455, 9.1) and which offers of permessage-deflate can be kept (RFC 7692, 7.1).

/// One element of the list.
#[derive(Debug, PartialEq, Eq)]
pub struct Offer<'a> {
    name: &'a [u8],
    parameters: Vec<Parameter<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Parameter<'a> {
    name: &'a [u8],
    value: Option<Vec<u8>>,
}

/// `None` when it is not what the grammar says: then the whole handshake is wrong.
pub fn offers(value: &[u8]) -> Option<Vec<Offer<'_>>> {
    let mut text = Text(value);
    let mut offers = Vec::new();
    loop {
        // A list may have empty elements (RFC 9110, 5.6.1).
        while text.takes(b',') {}
        if text.is_empty() {
            return Some(offers);
        }
        let mut offer = Offer { name: text.token()?, parameters: Vec::new() };
        while text.takes(b';') {
            let name = text.token()?;
            let value = if text.takes(b'=') { Some(text.value()?) } else { None };
            offer.parameters.push(Parameter { name, value });
        }
        offers.push(offer);
        if !text.is_empty() && !text.takes(b',') {
            return None;
        }
    }
}

impl Offer<'_> {
    /// An offer with a parameter that is unknown, wrong or there twice is declined. So is one that limits our window: a client that
    /// must have that names another offer behind it. Its own window it may limit as it likes; ours for reading is the largest.
    pub fn is_deflate_as_we_do_it(&self) -> bool {
        let known = |parameter: &Parameter<'_>| match (parameter.name, &parameter.value) {
            (b"server_no_context_takeover" | b"client_no_context_takeover", value) => value.is_none(),
            (b"client_max_window_bits", value) => value.as_ref().is_none_or(|bits| is_window(bits)),
            _ => false,
        };
        let once = |(index, parameter): (usize, &Parameter<'_>)| {
            self.parameters[..index].iter().all(|earlier| earlier.name != parameter.name)
        };
        self.name == b"permessage-deflate"
            && self.parameters.iter().all(known)
            && self.parameters.iter().enumerate().all(once)
    }
}

/// 8 to 15, without a leading zero (RFC 7692, 7.1.2.2).
fn is_window(bits: &[u8]) -> bool {
    matches!(bits, [b'8' | b'9'] | [b'1', b'0'..=b'5'])
}

/// RFC 9110, 5.6.2.
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_of_a_token(*byte))
}

fn is_of_a_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What is not read yet; white space between words says nothing.
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    fn is_empty(&mut self) -> bool {
        self.skip_white();
        self.0.is_empty()
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.skip_white();
        let Some(rest) = self.0.strip_prefix(&[byte]) else { return false };
        self.0 = rest;
        true
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        self.skip_white();
        let end = self.0.iter().position(|byte| !is_of_a_token(*byte)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A token, or one in quotes with backslashes before any of its characters.
    fn value(&mut self) -> Option<Vec<u8>> {
        if !self.takes(b'"') {
            return self.token().map(<[u8]>::to_vec);
        }
        let mut value = Vec::new();
        loop {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => return is_token(&value).then_some(value),
                b'\\' => {
                    let (&escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    value.push(escaped);
                }
                _ => value.push(byte),
            }
        }
    }

    fn skip_white(&mut self) {
        let end = self.0.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(self.0.len());
        self.0 = &self.0[end..];
    }
}
