//! Short texts: ids, accounts, amounts; cursors, limits and idempotency keys.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use apricot::contract;
use apricot::model::money::MINOR_MAX;
use apricot::model::{
    Account, Currency, Money, OrderId, OutOfBound, PaymentId, PledgeId, RefundId, Role, RoomId, SaleId, Sku,
    Subject, bounded_text,
};
use apricot::wire::guard::Origins;
use apricot::wire::rest::{idempotency_key, page as pages};
use axum::http::{HeaderMap, HeaderValue, Uri};

use super::{settled, well_refused};

pub fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    id::<OrderId>(text);
    id::<SaleId>(text);
    id::<PaymentId>(text);
    id::<RefundId>(text);
    id::<PledgeId>(text);
    spelt_once::<RoomId>(text, text);
    spelt_once::<Sku>(text, text);
    spelt_once::<Subject>(text, text);
    settled(text.parse::<Account>(), |account| account.to_string().parse());
    settled(text.parse::<Role>(), |role| role.name().parse());
    settled(text.parse::<Currency>(), |currency| currency.as_str().parse());
    settled(bounded_text("title", text, 1..=80), |title| bounded_text("title", title, 1..=80));
    for currency in ["CNY", "JPY"] {
        amount(text, currency.parse().expect("a currency"));
    }
}

/// A UUID may be in capitals.
fn id<T: FromStr<Err = OutOfBound> + Display + PartialEq + Debug>(text: &str) {
    spelt_once::<T>(text, &text.to_ascii_lowercase());
}

/// One name has one spelling, so that comparing texts compares things.
fn spelt_once<T: FromStr<Err = OutOfBound> + Display + PartialEq + Debug>(text: &str, spelling: &str) {
    if let Ok(name) = text.parse::<T>() {
        assert_eq!(name.to_string(), spelling);
    }
    settled(text.parse::<T>(), |name| name.to_string().parse());
}

fn amount(text: &str, currency: Currency) {
    match Money::parse("price", text, currency) {
        Err(refused) => well_refused(refused),
        Ok(money) => {
            assert!((1..=MINOR_MAX).contains(&money.minor));
            assert_eq!(Some(money.minor), by_hand(text.trim(), currency.exponent()), "{text:?}");
            let shown = money.to_string();
            let number = shown.strip_suffix(currency.as_str()).expect("the currency stands last");
            assert_eq!(Money::parse("price", number, currency), Ok(money));
            let message = contract::money(money);
            assert_eq!(contract::parse::money("price", Some(&message)), Ok(money));
        }
    }
}

/// Digits, and at most one point: no rounding, no exponent, no separators.
fn by_hand(text: &str, places: u32) -> Option<i64> {
    let (whole, rest) = text.strip_prefix('+').unwrap_or(text).split_once('.').unwrap_or((text, ""));
    let whole = whole.strip_prefix('+').unwrap_or(whole);
    let rest = rest.trim_end_matches('0');
    let places = usize::try_from(places).ok()?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(rest) || rest.len() > places {
        return None;
    }
    format!("{whole}{rest:0<places$}").parse().ok()
}

/// Line 1 is the query of a list, line 2 an idempotency key, line 3 where a page says that it is from.
pub fn page(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let query = lines.next().unwrap_or_default();
    let uri =
        std::str::from_utf8(query).ok().and_then(|query| Uri::try_from(format!("/v1/rooms?{query}")).ok());
    if let Some(uri) = uri {
        match pages::asked(&uri) {
            Err(refused) => well_refused(refused),
            Ok(page) => {
                assert!((1..=pages::LIMIT_MAX).contains(&page.limit));
                let cursor = pages::cursor(page.after.as_deref());
                let again = format!("/v1/rooms?cursor={cursor}&limit={}", page.limit);
                assert_eq!(pages::asked(&Uri::try_from(again).expect("an address")), Ok(page));
            }
        }
    }
    let mut headers = HeaderMap::new();
    for (name, value) in ["idempotency-key", "origin"].into_iter().zip(lines) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    match idempotency_key(&headers) {
        Err(refused) => well_refused(refused),
        Ok(key) => {
            assert_eq!(key.map(str::as_bytes), headers.get("idempotency-key").map(HeaderValue::as_bytes))
        }
    }
    let shop = "https://shop.example";
    let from = headers.get("origin").map(HeaderValue::as_bytes);
    let allowed = from.is_none_or(|from| from.eq_ignore_ascii_case(shop.as_bytes()));
    assert_eq!(Origins::new(&[shop.to_owned()]).allow(&headers), allowed);
}
