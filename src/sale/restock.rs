//! Units for a sale that runs, from its product, and back. The gate lets units go before the record does and gets them after it, so that it never
//! grants what the record does not have.

use super::{Refusal, SaleView, Sales};
use crate::model::sale::RestockRefused;
use crate::model::{FlashSale, SaleId, Subject, Timestamp};
use crate::store::inventory::HoldRefused;
use crate::store::journal::Once;
use crate::store::{StoreError, Write};

impl Sales {
    /// What is held or sold is not touched. Who stands in line is served first by units that come.
    pub async fn restock(
        &self,
        id: SaleId,
        change: i64,
        once: Option<Once>,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<SaleView, Refusal> {
        if self.seen(once).await? {
            return self.view(id).ok_or(Refusal::NotFound("sale"));
        }
        let (sales, actor) = (self.clone(), actor.clone());
        self.uninterrupted(async move {
            match sales.change_lot(id, change, once, actor, now).await {
                Ok(()) | Err(Refusal::Store(StoreError::Seen)) => {}
                Err(refusal) => return Err(refusal),
            }
            if change > 0 {
                sales.units_came_back(id, now).await;
            } else {
                sales.tell_if_turned(id).await;
            }
            sales.tell_sale(id).await;
            sales.view(id).ok_or(Refusal::NotFound("sale"))
        })
        .await
    }

    async fn change_lot(
        &self,
        id: SaleId,
        change: i64,
        once: Option<Once>,
        actor: Subject,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let live = self.live(id).ok_or(Refusal::NotFound("sale"))?;
        // Nobody reads the lot from the record while it is on its way from one stock to the other.
        let alone = live.rebuilding.lock().await;
        let before = live.sale();
        let sale = match before.clone().restock(change) {
            // One stays, whoever has the others.
            Err(RestockRefused::OutOfBound(_)) if change < 0 => {
                let left = self.view(id).map_or(0, |view| view.stock.left);
                return Err(Refusal::Promised { free: left.min(before.stock - 1) });
            }
            restocked => restocked?,
        };
        if let Some(units) = u32::try_from(-change).ok().filter(|units| *units > 0) {
            match self.0.inventory.take_back(id, units).await {
                Ok(()) => {}
                Err(HoldRefused::SoldOut { left }) => return Err(Refusal::Promised { free: left }),
                Err(HoldRefused::NotReady { retry_after }) => {
                    self.mend(id);
                    return Err(HoldRefused::NotReady { retry_after }.into());
                }
                Err(refused) => return Err(refused.into()),
            }
        }
        let FlashSale { sku, stock, version, .. } = sale.clone();
        let mut entry: Vec<Write> = once.map(Write::Once).into_iter().collect();
        entry.extend([
            Write::Sale(sale.clone()),
            Write::Restock { sale: id, sku, change },
            Write::Audit {
                at: now,
                actor,
                action: "restock-sale",
                subject: format!("{id} {change:+}"),
                reason: String::new(),
            },
        ]);
        let recorded = self.0.journal.commit(entry).await;
        if recorded.is_ok() {
            live.become_(sale);
            self.0.inventory.restock(id, stock, version).await;
            return Ok(());
        }
        drop(alone);
        let refusal = match recorded {
            Ok(()) => return Ok(()),
            // Holds that the gate does not know.
            Err(StoreError::OverStock) => Refusal::Promised { free: 0 },
            Err(refused) => self.outrun(id, refused).await,
        };
        if change < 0 {
            self.rebuild(id).await;
        }
        Err(refusal)
    }
}

impl From<RestockRefused> for Refusal {
    fn from(refused: RestockRefused) -> Self {
        match refused {
            RestockRefused::OutOfBound(refused) => refused.into(),
            RestockRefused::Sale(refused) => refused.into(),
        }
    }
}
