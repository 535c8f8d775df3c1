//! skeleton
use super::*;
#[derive(Clone)]
pub struct Journal {}
#[allow(unused_variables)]
impl Journal {
    /// Answers after the commit.
    pub async fn commit(&self, entry: Entry) -> Result<(), StoreError> {
        todo!()
    }
    pub async fn rooms(&self) -> Result<Vec<Room>, StoreError> {
        todo!()
    }
    pub async fn sanctions(&self) -> Result<Vec<(RoomId, Subject, Sanction)>, StoreError> {
        todo!()
    }
    /// The record's own id.
    pub fn epoch(&self) -> u64 {
        todo!()
    }
}
