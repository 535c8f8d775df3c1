//! skeleton
pub struct AccountTotal; pub struct LotRow; pub struct OpenHold; pub struct Page;
