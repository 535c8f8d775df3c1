//! A spreadsheet of products.

use apricot::cli::import::{Wrong, products};
use apricot::model::{Product, Subject};

const COLUMNS: [&str; 9] =
    ["sku", "title", "unit", "price", "currency", "on_hand", "origin", "category", "image_url"];

pub fn import(data: &[u8]) {
    let host: Subject = "li".parse().expect("a subject");
    match products(data, &host) {
        Err(reason) => one_line(&reason),
        Ok((right, wrong)) => {
            for Wrong { line, reason } in wrong {
                assert!(line > 0, "{reason}");
                one_line(&reason);
                let named = reason.split(' ').next().is_some_and(|name| COLUMNS.contains(&name));
                assert!(named || reason.starts_with("line ") || reason.starts_with("CSV "), "{reason}");
            }
            let (again, wrong) = products(written(&right).as_slice(), &host).expect("a table");
            assert!(wrong.is_empty(), "{wrong:?}");
            assert_eq!(again, right);
        }
    }
}

fn one_line(reason: &str) {
    assert!((10..400).contains(&reason.chars().count()), "{reason:?}");
    assert!(!reason.chars().any(char::is_control), "{reason:?}");
}

fn written(products: &[Product]) -> Vec<u8> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS).expect("memory");
    for product in products {
        let price = product.price.to_string();
        let price = price.split(' ').next().expect("a number");
        let on_hand = product.on_hand.to_string();
        let row = [
            product.sku.as_str(),
            &product.title,
            &product.unit,
            price,
            product.price.currency.as_str(),
            &on_hand,
            &product.origin,
            &product.category,
            &product.image_url,
        ];
        table.write_record(row).expect("memory");
    }
    table.into_inner().expect("memory")
}
