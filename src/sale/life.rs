//! Products, and the life of a flash sale: made, opened, closed.

use std::sync::atomic::Ordering;

use super::{Keeping, LiveSale, Refusal, SaleView, Sales};
use crate::model::{
    CloseReason, FlashSale, OutOfBound, Product, RoomId, SaleId, SaleState, Sku, Subject, Timestamp,
};
use crate::store::journal::{Listing, Once, Page};
use crate::store::{StoreError, Write};

impl Sales {
    pub async fn product(&self, sku: &Sku) -> Result<Option<Product>, Refusal> {
        Ok(self.0.journal.product(sku.clone()).await?)
    }

    pub async fn products(&self, host: &Subject, page: Page) -> Result<Listing<Product>, Refusal> {
        Ok(self.0.journal.products(host.clone(), page).await?)
    }

    pub async fn create_product(&self, product: Product, once: Option<Once>) -> Result<Product, Refusal> {
        product.check()?;
        let sku = product.sku.clone();
        match self.0.journal.commit(entry(once, Write::NewProduct(product))).await {
            Ok(()) | Err(StoreError::Seen) => self.product(&sku).await?.ok_or(Refusal::NotFound("product")),
            Err(refused) => Err(refused.into()),
        }
    }

    /// What is set aside in lots is not touched.
    pub async fn change_stock(&self, sku: &Sku, change: i64, once: Option<Once>) -> Result<Product, Refusal> {
        let max = i64::from(crate::model::product::UNITS_MAX);
        if change == 0 || !(-max..=max).contains(&change) {
            return Err(OutOfBound::new("change", format!("-{max}..={max}, not 0")).into());
        }
        let on_hand = self.product(sku).await?.ok_or(Refusal::NotFound("product"))?.on_hand;
        if change > 0 && i64::from(on_hand) + change > max && !self.seen(once).await? {
            let bound = format!("such that at most {max} units are on hand; {on_hand} are");
            return Err(OutOfBound::new("change", bound).into());
        }
        match self.0.journal.commit(entry(once, Write::Stock { sku: sku.clone(), change })).await {
            Ok(()) | Err(StoreError::Seen) => self.product(sku).await?.ok_or(Refusal::NotFound("product")),
            Err(refused) => Err(refused.into()),
        }
    }

    pub(super) async fn seen(&self, once: Option<Once>) -> Result<bool, Refusal> {
        match once {
            Some(once) => Ok(self.0.journal.seen(once).await?),
            None => Ok(false),
        }
    }

    /// Records a sale and sets its lot aside from the product's stock.
    pub async fn create_sale(
        &self,
        sale: FlashSale,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<SaleView, Refusal> {
        sale.check()?;
        let product = self.product(&sale.sku).await?.ok_or(Refusal::NotFound("product"))?;
        if sale.price.currency != product.price.currency {
            let currency = product.price.currency.as_str();
            return Err(OutOfBound::new("price.currency", format!("{currency}, as the product's")).into());
        }
        if let Some(reference) = sale.pledge {
            let pledge = self.0.ledger.pledge(reference).await.map_err(Refusal::Ledger)?;
            if let Some(currency) = pledge.currency().filter(|currency| *currency != sale.price.currency) {
                let bound = format!("a pledge in the sale's currency, not in {}", currency.as_str());
                return Err(OutOfBound::new("pledgeId", bound).into());
            }
            pledge.check_floor(sale.price)?;
            if pledge.host != product.host {
                return Err(Refusal::Forbidden("the pledge belongs to another host"));
            }
            if !pledge.runs_at(sale.opens_at.unwrap_or(now)) {
                return Err(Refusal::WrongState("the pledge does not run at that time"));
            }
        }
        let id = sale.id;
        let sales = self.clone();
        self.uninterrupted(async move {
            match sales.0.journal.commit(entry(once, Write::Sale(sale.clone()))).await {
                Ok(()) => {
                    sales.load_sale(sale).await?;
                    sales.open_lot(id).await?;
                    sales.tell_sale(id).await;
                }
                Err(StoreError::Seen) if sales.live(id).is_none() => {
                    let recorded = sales.0.journal.sale(id).await?.ok_or(Refusal::NotFound("sale"))?;
                    sales.load_sale(recorded).await?;
                    sales.open_lot(id).await?;
                }
                Err(StoreError::Seen) => {}
                Err(refused) => return Err(refused.into()),
            }
            sales.view(id).ok_or(Refusal::NotFound("sale"))
        })
        .await
    }

    /// By the host or by time. Opening an open sale again is refused.
    pub async fn open_sale(&self, id: SaleId, now: Timestamp) -> Result<SaleView, Refusal> {
        self.open(id, Keeping::Alone, now).await
    }

    async fn open(&self, id: SaleId, keeping: Keeping, now: Timestamp) -> Result<SaleView, Refusal> {
        let live = self.live(id).ok_or(Refusal::NotFound("sale"))?;
        let sale = live.sale().open(now)?;
        let sales = self.clone();
        self.uninterrupted(async move {
            if let Err(refused) = sales.0.journal.commit(keeping.entry([Write::Sale(sale.clone())])).await {
                return Err(sales.outrun(id, refused).await);
            }
            live.become_(sale);
            live.told_sold_out.store(false, Ordering::Release);
            sales.tell_sale(id).await;
            sales.view(id).ok_or(Refusal::NotFound("sale"))
        })
        .await
    }

    /// Leftovers return to the product. Holds that stand may still be paid.
    pub async fn close_sale(
        &self,
        id: SaleId,
        reason: String,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<SaleView, Refusal> {
        let (actor, subject) = (actor.clone(), id.to_string());
        let audit = Write::Audit { at: now, actor, action: "close-sale", subject, reason };
        self.close(id, CloseReason::Host, Some(audit), Keeping::Alone, now).await
    }

    /// `audit`: of who closed it, where it was somebody and no line of the trail says so yet.
    pub(super) async fn close(
        &self,
        id: SaleId,
        reason: CloseReason,
        audit: Option<Write>,
        keeping: Keeping,
        now: Timestamp,
    ) -> Result<SaleView, Refusal> {
        let live = self.live(id).ok_or(Refusal::NotFound("sale"))?;
        let sale = live.sale().close(now, reason)?;
        let sales = self.clone();
        self.uninterrupted(async move {
            // The gate closes first: what it granted before and the record learns of too late is refused there.
            let waiting = sales.0.inventory.close(id).await;
            let closing = [Write::Sale(sale.clone()), Write::ReturnLeftovers(id)];
            let entry = keeping.entry(closing.into_iter().chain(audit));
            if let Err(refused) = sales.0.journal.commit(entry).await {
                let refusal = sales.outrun(id, refused).await;
                sales.rebuild(id).await;
                return Err(refusal);
            }
            live.become_(sale);
            // Holds that ended between the entry and `become_` left their units in the lot.
            if let Err(error) = sales.0.journal.commit(vec![Write::ReturnLeftovers(id)]).await {
                tracing::warn!(%error, sale = %id, "leftovers stay in the lot until its next hold ends");
            }
            // That nothing is left is told with the close.
            live.told_sold_out.store(true, Ordering::Release);
            sales.tell_sale(id).await;
            sales.dismiss(id, waiting).await;
            sales.view(id).ok_or(Refusal::NotFound("sale"))
        })
        .await
    }

    /// The room has ended, which is in the trail: nothing is sold in it any more. A sale that could not be closed now is closed by its time.
    pub async fn close_room(&self, room: &RoomId, now: Timestamp) {
        for view in self.views(room) {
            if matches!(view.sale.state, SaleState::Closed { .. }) {
                continue;
            }
            let closed = self.close(view.sale.id, CloseReason::Host, None, Keeping::Alone, now).await;
            if let Err(error) = closed {
                tracing::warn!(%error, sale = %view.sale.id, "a sale of an ended room stays open until its time");
            }
        }
    }

    /// Another node changed the sale first: what it did is read, so that the next try starts from there.
    pub(super) async fn outrun(&self, id: SaleId, refused: StoreError) -> Refusal {
        if refused == StoreError::Stale
            && let Err(error) = self.catch_up(id, u64::MAX).await
        {
            tracing::warn!(%error, sale = %id, "a sale that another node changed was not read");
        }
        refused.into()
    }

    /// One pass over what time does: opens and closes sales, ends holds. Nothing depends on when it comes. A pass whose lease runs out, or
    /// has passed to another node, ends where it is: that node goes on.
    pub async fn sweep(&self, keeping: Keeping, now: Timestamp) {
        let sales: Vec<SaleId> = self.0.live.iter().map(|live| *live.key()).collect();
        for id in sales {
            if !keeping.stands() {
                return tracing::warn!("the lease was not renewed in time; the rest is not swept");
            }
            match self.sweep_sale(id, keeping, now).await {
                Ok(()) => {}
                Err(error @ Refusal::Store(StoreError::Fenced)) => {
                    return tracing::warn!(%error, sale = %id, "the rest is not swept");
                }
                Err(refusal @ Refusal::NotNow(_)) => {
                    tracing::debug!(%refusal, sale = %id, "a sale waits for its gate");
                }
                Err(error) => {
                    tracing::warn!(%error, sale = %id, "a sale was not swept; the next pass tries again");
                }
            }
        }
    }

    /// Once a minute is often enough. Of many nodes one does it.
    pub async fn sweep_receipts(&self, now: Timestamp) {
        if !self.keeps() {
            return;
        }
        if let Err(error) = self.auto_confirm(now).await {
            tracing::warn!(%error, "receipts were not confirmed; the next pass tries again");
        }
    }

    async fn sweep_sale(&self, id: SaleId, keeping: Keeping, now: Timestamp) -> Result<(), Refusal> {
        let Some(live) = self.live(id) else { return Ok(()) };
        let sale = live.sale();
        if sale.state == SaleState::Scheduled && sale.opens_at.is_none_or(|at| at > now) {
            return Ok(());
        }
        if self.0.inventory.reading(id).is_none() && !self.0.inventory.is_ready(id).await? {
            // An earlier rebuild failed, or the gate has lost the lot. One in a pass is enough.
            self.rebuild(id).await;
            return Ok(());
        }
        let over = matches!(sale.state, SaleState::Closed { .. });
        if !over || self.0.inventory.shown(id).held > 0 {
            self.expire_holds(id, keeping, now).await?;
        }
        self.compare(id, &live, now).await?;
        match sale.state {
            SaleState::Scheduled => {
                if sale.opens_at.is_some_and(|at| at <= now) {
                    self.open(id, keeping, now).await?;
                }
            }
            SaleState::Open { closes_at } | SaleState::Paused { closes_at } => {
                // Without a reading nobody knows how much is sold: wait for the next pass.
                let reading = self.0.inventory.reading(id);
                if closes_at <= now {
                    self.close(id, CloseReason::Time, None, keeping, now).await?;
                } else if reading.is_some_and(|lot| lot.sold == lot.stock) {
                    self.close(id, CloseReason::SoldOut, None, keeping, now).await?;
                } else if reading.is_some_and(|lot| lot.held + lot.sold < lot.stock && lot.waiting > 0) {
                    // After a restart: units came back and nobody had offered them yet.
                    self.units_came_back(id, now).await;
                }
            }
            SaleState::Closed { .. } => {
                // A crash, or an offer that came too late, left somebody in line.
                if self.stock(id, &live).waiting > 0 {
                    self.dismiss(id, self.0.inventory.close(id).await).await;
                }
            }
        }
        Ok(())
    }
}

impl LiveSale {
    pub(super) fn become_(&self, sale: FlashSale) {
        let mut current = self.sale.write().expect("no panic while locked");
        if sale.version > current.version {
            *current = sale;
        }
    }
}

fn entry(once: Option<Once>, write: Write) -> Vec<Write> {
    once.map(Write::Once).into_iter().chain([write]).collect()
}
