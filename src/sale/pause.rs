//! A sale that takes no orders for a while. Each node refuses as soon as it has heard of it, which is at once or, when the message was lost,
//! at its next look into the record: a hold that another node grants in that second stands.

use super::{Refusal, SaleView, Sales};
use crate::model::{FlashSale, SaleId, SaleState, Subject, Timestamp};
use crate::store::Write;

impl Sales {
    /// What is held may be paid, and its time runs on. Units that come back wait for the sale to go on.
    pub async fn pause_sale(
        &self,
        id: SaleId,
        reason: String,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<SaleView, Refusal> {
        let paused = self.live(id).ok_or(Refusal::NotFound("sale"))?.sale().pause(now)?;
        self.turn(paused, "pause-sale", reason, actor, now).await
    }

    /// Who stands in line is served first.
    pub async fn resume_sale(
        &self,
        id: SaleId,
        reason: String,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<SaleView, Refusal> {
        let resumed = self.live(id).ok_or(Refusal::NotFound("sale"))?.sale().resume(now)?;
        self.turn(resumed, "resume-sale", reason, actor, now).await
    }

    async fn turn(
        &self,
        sale: FlashSale,
        action: &'static str,
        reason: String,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<SaleView, Refusal> {
        let id = sale.id;
        let live = self.live(id).ok_or(Refusal::NotFound("sale"))?;
        let audit = Write::Audit { at: now, actor: actor.clone(), action, subject: id.to_string(), reason };
        let sales = self.clone();
        self.uninterrupted(async move {
            if let Err(refused) = sales.0.journal.commit(vec![Write::Sale(sale.clone()), audit]).await {
                return Err(sales.outrun(id, refused).await);
            }
            let goes_on = matches!(sale.state, SaleState::Open { .. });
            live.become_(sale);
            if goes_on {
                sales.units_came_back(id, now).await;
            }
            sales.tell_sale(id).await;
            sales.view(id).ok_or(Refusal::NotFound("sale"))
        })
        .await
    }
}
