//! A host's products.

use apricot_proto::v1;

use super::{Call, Made, Refused, page};
use crate::contract::{self, parse};
use crate::model::{Product, Sku};
use crate::wire::problem::{if_short, not_found};

pub async fn list(call: Call) -> Result<v1::ProductList, Refused> {
    call.everywhere()?;
    let listing = call.wire.sales.products(&call.caller.subject, call.page()?).await?;
    let next_cursor = page::cursor(listing.next.as_deref());
    Ok(v1::ProductList { products: listing.items.iter().map(contract::product).collect(), next_cursor })
}

pub async fn create(call: Call<v1::CreateProduct>) -> Result<Made<v1::Product>, Refused> {
    call.everywhere()?;
    let product = parse::product(&call.body, call.caller.subject.clone())?;
    let product = call.wire.sales.create_product(product, call.once).await?;
    Ok(Made(contract::product(&product)))
}

pub async fn change_stock(call: Call<v1::ChangeStock>) -> Result<v1::Product, Refused> {
    call.everywhere()?;
    let product = own(&call).await?;
    let changed = call.wire.sales.change_stock(&product.sku, call.body.change.into(), call.once).await;
    let short = |refused| if_short(refused, "change", || format!("-{} or more", product.on_hand));
    Ok(contract::product(&changed.map_err(short)?))
}

/// A product of another host is not there.
async fn own<B>(call: &Call<B>) -> Result<Product, Refused> {
    let sku: Sku = call.part("sku")?;
    let product = call.wire.sales.product(&sku).await?;
    product.filter(|product| product.host == call.caller.subject).ok_or_else(|| not_found("product").into())
}
