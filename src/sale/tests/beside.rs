//! What two nodes do to the same orders.

use super::nodes::Stores;
use super::*;

#[tokio::test]
async fn payment_is_taken_in_by_a_node_that_has_not_heard_of_the_sale() {
    let Some(stores) = Stores::start().await else { return };
    let [first, _] = stores.two_nodes(1).await;
    first.place("ann", 1).await.unwrap();
    first.pay("ann").await.unwrap();
    let newcomer = stores.node().await;
    newcomer.authorise("ann").await.unwrap();
    assert_eq!((first.stage("ann").await, first.payment_state("ann").await), ("paid", "authorised"));
}

#[tokio::test]
async fn order_goes_its_way_over_both_nodes() {
    let Some(stores) = Stores::start().await else { return };
    let [first, other] = stores.two_nodes(2).await;
    let placed = first.place("ann", 1).await.unwrap();
    let again = other.place("ann", 1).await.unwrap();
    assert_eq!((again.fresh, again.view), (false, placed.view));
    other.pay("ann").await.unwrap();
    first.authorise("ann").await.unwrap();
    other.place("bo", 1).await.unwrap();
    assert_eq!(first.place("cy", 1).await, Err(Refusal::SoldOut { left: 0 }));
    first.cancel("bo").await.unwrap();
    other.place("cy", 1).await.unwrap();
    assert_eq!((first.stage("ann").await, first.stage("cy").await), ("paid", "held"));
}

#[tokio::test]
async fn sale_of_a_room_whose_node_died_when_it_ended_is_closed() {
    let Some(stores) = Stores::start().await else { return };
    let [first, other] = stores.two_nodes(2).await;
    let ended = Room { state: RoomState::Ended, version: room().version + 1, ..room() };
    first.sales.0.journal.commit(vec![Write::Room(Box::new(ended))]).await.unwrap();
    let keeping = other.sales.keep("other", START).await.unwrap().unwrap();
    other.sales.tidy_up(keeping, other.now()).await.unwrap();
    let state = other.sales.0.journal.sale(other.sale).await.unwrap().unwrap().state;
    assert!(matches!(state, SaleState::Closed { reason: CloseReason::Host, .. }), "{state:?}");
}

/// A client keeps the newest it was shown: one revision may not stand for two things.
#[tokio::test]
async fn order_and_payment_that_change_on_two_nodes_are_told_as_the_record_has_them() {
    let Some(stores) = Stores::start().await else { return };
    let [first, other] = stores.two_nodes(1).await;
    first.place("ann", 1).await.unwrap();
    first.pay("ann").await.unwrap();
    let known = other.sales.find(order("ann")).await.unwrap();
    first.decline("ann").await.unwrap();
    let declined = first.view("ann").await;
    let released = other.sales.release(&known, other.now()).await.unwrap();
    assert_eq!((declined.order.stage.name(), released.order.stage.name()), ("held", "released"));
    assert!(released.revision > declined.revision, "{} {}", released.revision, declined.revision);
    assert_eq!(released, first.view("ann").await);
}

/// Whatever had to be asked of a store would be answered otherwise, or not at all.
#[tokio::test]
async fn sold_out_is_answered_without_a_store() {
    let Some(mut stores) = Stores::start().await else { return };
    let [first, other] = stores.two_nodes(1).await;
    first.place("ann", 1).await.unwrap();
    assert_eq!(other.place("bo", 1).await, Err(Refusal::SoldOut { left: 0 }));
    stores.fail();
    for n in 0..1_000 {
        for node in [&first, &other] {
            assert_eq!(node.place(&format!("cy{n}"), 1).await, Err(Refusal::SoldOut { left: 0 }));
        }
    }
}

#[tokio::test]
async fn hundred_buyers_of_two_nodes_get_ten_pieces() {
    let Some(stores) = Stores::start().await else { return };
    let [first, other] = stores.two_nodes(10).await;
    let mut won = 0;
    for pair in 0..50 {
        let (one, two) = (format!("buyer-{pair}-a"), format!("buyer-{pair}-b"));
        let (one, two) = tokio::join!(first.place(&one, 1), other.place(&two, 1));
        for placed in [one, two] {
            match placed {
                Ok(_) => won += 1,
                Err(refused) => assert_eq!(refused, Refusal::SoldOut { left: 0 }),
            }
        }
    }
    assert_eq!((won, first.stock(), other.stock()), (10, [0, 10, 0, 0], [0, 10, 0, 0]));
}
