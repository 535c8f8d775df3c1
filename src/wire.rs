//! Sockets, HTTP, JSON and protobuf, pages: what reaches the layers below is checked, what leaves them is encoded here.

pub mod codec;
pub mod key_folder;
pub mod live;
pub mod problem;
pub mod token;
