//! RFC 6455 and RFC 7692, rule by rule, by a client that writes its bytes by hand. Nothing of the server's codec is used here, nor a
//! library's: what is wrong in one of them shows. Each test names the section it is about.

#[path = "rfc6455/closing.rs"]
mod closing;
#[path = "rfc6455/compression.rs"]
mod compression;
#[path = "rfc6455/control.rs"]
mod control;
#[path = "rfc6455/deflate.rs"]
mod deflate;
#[path = "rfc6455/framing.rs"]
mod framing;
#[path = "rfc6455/handshake.rs"]
mod handshake;
#[path = "rfc6455/messages.rs"]
mod messages;
#[path = "rfc6455/offers.rs"]
mod offers;
#[path = "rfc6455/peer.rs"]
mod peer;
#[path = "rfc6455/request.rs"]
mod request;
#[path = "rfc6455/server.rs"]
mod server;
