//! Duties are leased; what a former holder writes is refused.

use super::*;

laws! {
    lease_is_renewed_by_its_holder_and_refused_to_others,
    holder_that_slept_is_refused,
    fence_grows_with_every_holder,
    lease_that_was_given_up_goes_to_the_next,
}

const TEN_SECONDS: Duration = Duration::from_secs(10);

async fn take(desk: &Desk, node: &str, duration: Duration, now: Timestamp) -> Option<Lease> {
    desk.journal.take_lease(Duty::Keeper, node, duration, now).await.unwrap()
}

fn fenced(fence: u64) -> Entry {
    vec![Write::Fence { duty: Duty::Keeper, fence }, transfer(1)]
}

async fn lease_is_renewed_by_its_holder_and_refused_to_others(on: Engine) {
    let desk = Desk::new(on).await;
    let first = take(&desk, "a", TEN_SECONDS, NOW).await.unwrap();
    assert_eq!(take(&desk, "b", TEN_SECONDS, NOW).await, None);
    let renewed = take(&desk, "a", 2 * TEN_SECONDS, NOW).await.unwrap();
    assert_eq!(renewed.fence, first.fence, "a renewal keeps the number");
    assert!(renewed.until > first.until);
    assert_eq!(take(&desk, "b", TEN_SECONDS, NOW).await, None);
}

/// A lease for no time has run out when it is granted: its holder slept.
async fn holder_that_slept_is_refused(on: Engine) {
    let desk = Desk::new(on).await;
    let slept = take(&desk, "a", Duration::ZERO, NOW).await.unwrap();
    let next = take(&desk, "b", TEN_SECONDS, NOW).await.unwrap();
    assert_eq!(next.fence, slept.fence + 1);
    assert_eq!(desk.commit(fenced(slept.fence)).await, Err(StoreError::Fenced));
    assert_eq!(desk.commit(fenced(next.fence)).await, Ok(()));
    assert_eq!(desk.commit(fenced(next.fence + 1)).await, Err(StoreError::Fenced), "nobody has that yet");
    assert_eq!(take(&desk, "a", TEN_SECONDS, NOW).await, None);
    assert_eq!(desk.count("SELECT CAST(sum(amount) AS BIGINT) FROM transfers").await, 1);
}

async fn fence_grows_with_every_holder(on: Engine) {
    let desk = Desk::new(on).await;
    let mut fences = Vec::new();
    for node in ["a", "b", "b", "a"] {
        fences.push(take(&desk, node, Duration::ZERO, NOW).await.unwrap().fence);
    }
    assert_eq!(fences, [1, 2, 3, 4], "who takes it again after it ran out is a new holder");
}

async fn lease_that_was_given_up_goes_to_the_next(on: Engine) {
    let desk = Desk::new(on).await;
    assert_eq!(desk.commit(fenced(1)).await, Err(StoreError::Fenced), "nobody has the duty");
    let first = take(&desk, "a", TEN_SECONDS, NOW).await.unwrap();
    desk.journal.give_up_lease(Duty::Keeper, "b").await.unwrap();
    assert_eq!(take(&desk, "b", TEN_SECONDS, NOW).await, None, "only the holder gives it up");
    desk.journal.give_up_lease(Duty::Keeper, "a").await.unwrap();
    let next = take(&desk, "b", TEN_SECONDS, NOW).await.unwrap();
    assert_eq!(next.fence, first.fence + 1);
    assert_eq!(desk.commit(fenced(first.fence)).await, Err(StoreError::Fenced));
}
