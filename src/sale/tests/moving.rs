//! After payment: refunds, and the way to the buyer.

use super::*;

impl Shop {
    async fn refund(&self, who: &str, amount: Option<i64>, n: u128) -> Result<OrderView, Refusal> {
        let once =
            Once { key: Uuid::from_u128(n), content: [u8::try_from(amount.unwrap_or(0) % 251).unwrap(); 32] };
        let (refund, ops) = (RefundId(Uuid::from_u128(n)), "ops".parse().unwrap());
        let (amount, reason) = (amount.map(cny), "bruised".to_owned());
        self.sales.refund(order(who), amount, reason, refund, Some(once), &ops, self.now()).await
    }

    async fn step(&self, who: &str, step: ShipStep) -> Result<&'static str, Refusal> {
        Ok(self.sales.ship(order(who), step, self.now()).await?.order.stage.name())
    }
}

fn ship() -> ShipStep {
    ShipStep::Ship { carrier: "SF".into(), tracking_number: "SF12345".into() }
}

fn out_of_turn(from: &'static str, to: &'static str) -> Result<&'static str, Refusal> {
    Err(OrderRefused::OutOfTurn { from, to }.into())
}

#[tokio::test]
async fn refund_of_a_part_and_then_of_the_rest() {
    let shop = Shop::open(3, 9).await;
    shop.bought("ann", 2).await;
    assert_eq!(
        shop.refund("ann", Some(2 * PRICE + 1), 1).await,
        Err(OrderRefused::RefundTooLarge { left: cny(2 * PRICE) }.into())
    );
    assert!(matches!(shop.refund("ann", Some(0), 2).await, Err(Refusal::OutOfBound(_))));
    shop.asked();
    let view = shop.refund("ann", Some(PRICE), 3).await.unwrap();
    assert_eq!(
        (view.order.refunded_minor, view.order.charity_minor, view.order.stage.name()),
        (PRICE, SHARE, "paid")
    );
    assert_eq!(shop.asked(), [Task::Refund(RefundId(Uuid::from_u128(3)))]);
    // A retry is the same refund; the same key for another is not.
    assert_eq!(shop.refund("ann", Some(PRICE), 3).await.unwrap().order, view.order);
    assert_eq!(shop.refund("ann", Some(PRICE + 1), 3).await, Err(StoreError::ContentDiffers.into()));
    assert_eq!(shop.balance("refund_payable"), PRICE);
    let refunded = ProviderNews::Refunded { refund: RefundId(Uuid::from_u128(3)) };
    shop.tell("back-3", refunded).await.unwrap();
    assert_eq!((shop.balance("refund_payable"), shop.payment_state("ann").await), (0, "authorised"));

    let view = shop.refund("ann", None, 4).await.unwrap();
    assert_eq!((view.order.stage.clone(), view.order.charity_minor), (Stage::Refunded, 0));
    assert_eq!(shop.refund("ann", None, 4).await.unwrap().order, view.order, "a retry after the whole");
    assert_eq!(shop.refund("ann", None, 5).await, Err(OrderRefused::Refunded.into()));
    assert_eq!(shop.balance("charity_accrued"), 0);
    let [total] = shop.sales.charity_totals(&room().id, START).try_into().unwrap();
    assert_eq!((total.gross_accrued, total.gross_reversed), (2 * SHARE, 2 * SHARE));
    assert_eq!(shop.stock(), [1, 0, 2, 0], "what was sold stays sold");
    shop.audit();
}

#[tokio::test]
async fn what_is_not_paid_is_not_refunded() {
    let shop = Shop::open(3, 9).await;
    shop.place("ann", 1).await.unwrap();
    assert_eq!(shop.refund("ann", None, 1).await, Err(OrderRefused::NotPaid.into()));
    shop.cancel("ann").await.unwrap();
    assert_eq!(shop.refund("ann", None, 1).await, Err(OrderRefused::NotPaid.into()));
    assert_eq!(shop.refund("nobody", None, 1).await, Err(Refusal::NotFound("order")));
    shop.audit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refunds_at_once_never_pass_what_was_paid() {
    let shop = std::sync::Arc::new(Shop::open(3, 9).await);
    shop.bought("ann", 1).await;
    let tries: Vec<_> = (0..8)
        .map(|n| {
            let shop = std::sync::Arc::clone(&shop);
            tokio::spawn(async move { shop.refund("ann", Some(800), n).await.is_ok() })
        })
        .collect();
    let mut granted = 0;
    for one in tries {
        granted += i64::from(one.await.unwrap());
    }
    assert!((1..=2).contains(&granted), "{granted} refunds of 800 out of {PRICE}");
    assert_eq!(shop.balance("refund_payable"), 800 * granted);
    shop.audit();
}

#[tokio::test]
async fn parcel_goes_its_way_and_receipt_confirms_the_share() {
    let shop = Shop::open(3, 9).await;
    shop.place("ann", 1).await.unwrap();
    assert_eq!(shop.step("ann", ShipStep::Pack).await, out_of_turn("held", "packed"));
    shop.pay("ann").await.unwrap();
    shop.authorise("ann").await.unwrap();
    assert_eq!(shop.step("ann", ShipStep::Confirm).await, out_of_turn("paid", "confirmed"));
    assert_eq!(shop.step("ann", ShipStep::Pack).await, Ok("packed"));
    assert_eq!(shop.step("ann", ShipStep::Pack).await, out_of_turn("packed", "packed"));
    let nameless = ShipStep::Ship { carrier: "SF".into(), tracking_number: "no spaces please".into() };
    assert!(
        matches!(shop.step("ann", nameless).await, Err(Refusal::OutOfBound(bound)) if bound.field == "trackingNumber")
    );
    assert_eq!(shop.step("ann", ship()).await, Ok("shipped"));
    assert_eq!(shop.step("ann", ShipStep::Deliver).await, Ok("delivered"));
    assert_eq!((shop.balance("charity_accrued"), shop.balance("charity_payable")), (SHARE, 0));
    assert_eq!(shop.step("ann", ShipStep::Confirm).await, Ok("confirmed"));
    assert_eq!((shop.balance("charity_accrued"), shop.balance("charity_payable")), (0, SHARE));
    assert_eq!(shop.step("ann", ShipStep::Confirm).await, out_of_turn("confirmed", "confirmed"));
    // Refunded after receipt: the share goes back from what is payable.
    shop.refund("ann", Some(PRICE / 2), 1).await.unwrap();
    assert_eq!((shop.balance("charity_accrued"), shop.balance("charity_payable")), (0, SHARE / 2));
    shop.audit();
}

#[tokio::test]
async fn partly_refunded_order_confirms_what_is_left() {
    let shop = Shop::open(3, 9).await;
    shop.bought("ann", 1).await;
    shop.step("ann", ship()).await.unwrap();
    shop.refund("ann", Some(PRICE / 2), 1).await.unwrap();
    shop.step("ann", ShipStep::Confirm).await.unwrap();
    assert_eq!((shop.balance("charity_accrued"), shop.balance("charity_payable")), (0, SHARE / 2));
    shop.refund("ann", None, 2).await.unwrap();
    assert_eq!(shop.balance("charity_payable"), 0);
    shop.audit();
}

#[tokio::test]
async fn receipt_is_confirmed_by_time() {
    let shop = Shop::open(3, 9).await;
    for who in ["ann", "bo"] {
        shop.bought(who, 1).await;
    }
    shop.step("ann", ship()).await.unwrap();
    shop.pass(10 * DAY);
    shop.sales.sweep_receipts(shop.now()).await;
    assert_eq!(shop.stage("ann").await, "shipped");
    shop.pass(Duration::from_millis(1));
    shop.sales.sweep_receipts(shop.now()).await;
    assert_eq!([shop.stage("ann").await, shop.stage("bo").await], ["confirmed", "paid"]);
    assert_eq!(shop.balance("charity_payable"), SHARE);
    shop.audit();
}
