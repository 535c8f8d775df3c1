//! Laws of many who come at once.

use super::*;

pub async fn hundred_buyers_ten_pieces_sell_ten(gate: Inventory) {
    let sale = new_sale();
    open(&gate, sale, &LotSnapshot { stock: 10, ..LotSnapshot::default() }).await;
    let all_here = Arc::new(tokio::sync::Barrier::new(100));
    let buyers: Vec<_> = (0..100_u32)
        .map(|n| {
            let (gate, all_here) = (gate.clone(), Arc::clone(&all_here));
            tokio::spawn(async move {
                let id = OrderId(Uuid::from_u128(1_000 + u128::from(n)));
                let buyer: Subject = format!("b{n}").parse().unwrap();
                let until = START + Duration::from_secs(60);
                let request = Request { order: id, buyer: buyer.clone(), quantity: 1, limit: 1, until };
                all_here.wait().await;
                match gate.hold(sale, request, START).await {
                    Ok(_) => {
                        assert_eq!(gate.claim(sale, id, &buyer, START).await, Ok(()));
                        true
                    }
                    Err(HoldRefused::SoldOut { left: 0 }) => false,
                    Err(other) => panic!("buyer {n} was refused: {other}"),
                }
            })
        })
        .collect();
    let mut granted = 0;
    for buyer in buyers {
        granted += u32::from(buyer.await.unwrap());
    }
    assert_eq!(granted, 10);
    assert_eq!(gate.reading(sale), Some(Reading { stock: 10, held: 0, sold: 10, waiting: 0 }));
    assert!(gate.is_sold_out(sale, START));
}

/// Buyers who cancel at once make room: with enough tries everything is sold, and never more.
pub async fn buyers_who_hold_end_and_claim_at_once_never_pass_the_stock(gate: Inventory) {
    let sale = new_sale();
    open(&gate, sale, &LotSnapshot { stock: 20, ..LotSnapshot::default() }).await;
    let buyers: Vec<_> = (0..8_u32)
        .map(|n| {
            let gate = gate.clone();
            tokio::spawn(async move {
                let mut claimed = 0;
                for round in 0..500_u32 {
                    let id = OrderId(Uuid::from_u128(u128::from(n) << 32 | u128::from(round) | 1 << 64));
                    let buyer: Subject = format!("b{n}").parse().unwrap();
                    let (quantity, until) = (1 + round % 3, START + Duration::from_secs(60));
                    let request = Request { order: id, buyer: buyer.clone(), quantity, limit: 99, until };
                    if gate.hold(sale, request, START).await.is_ok() {
                        if round % 7 == 0 {
                            gate.claim(sale, id, &buyer, START).await.unwrap();
                            claimed += quantity;
                        } else {
                            gate.end(sale, id, &buyer).await.unwrap();
                            gate.free(sale, id, &buyer, HoldOutcome::Released).await;
                        }
                    }
                    let Reading { stock, sold, .. } = gate.reading(sale).unwrap();
                    assert!(sold <= stock);
                }
                claimed
            })
        })
        .collect();
    let mut sold = 0;
    for buyer in buyers {
        sold += buyer.await.unwrap();
    }
    assert_eq!(gate.reading(sale), Some(Reading { stock: 20, held: 0, sold, waiting: 0 }));
    assert!(sold >= 18, "units that came back were not sold: {sold}");
}
