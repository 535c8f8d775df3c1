//! A line can be cut, silent or slow, and is whole again afterwards.

#![expect(clippy::disallowed_methods, reason = "measures a delay")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use apricot_servers::{Line, Proxy};

/// Says back what it hears, one byte at a time, after a byte of its own that tells which server it is.
fn echo(name: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            std::thread::spawn(move || {
                client.write_all(&[name]).unwrap();
                let mut byte = [0];
                while client.read_exact(&mut byte).is_ok() && client.write_all(&byte).is_ok() {}
            });
        }
    });
    address
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn read(stream: &mut TcpStream) -> Option<u8> {
    let mut byte = [0];
    stream.read_exact(&mut byte).is_ok().then_some(byte[0])
}

#[test]
fn bytes_go_there_and_back_and_a_cut_ends_them() {
    let proxy = Proxy::to(echo(b'a')).unwrap();
    let mut stream = connect(&proxy);
    assert_eq!(read(&mut stream), Some(b'a'));
    stream.write_all(b"x").unwrap();
    assert_eq!(read(&mut stream), Some(b'x'));
    assert_eq!(proxy.connections(), 1);
    proxy.set(Line::Cut);
    assert_eq!(read(&mut stream), None);
    assert_eq!(read(&mut connect(&proxy)), None);
    proxy.set(Line::Open);
    assert_eq!(read(&mut connect(&proxy)), Some(b'a'));
}

#[test]
fn a_silent_line_keeps_what_it_was_given() {
    let proxy = Proxy::to(echo(b'a')).unwrap();
    let mut stream = connect(&proxy);
    assert_eq!(read(&mut stream), Some(b'a'));
    proxy.set(Line::Silent);
    stream.write_all(b"x").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert_eq!(read(&mut stream), None);
    let mut second = connect(&proxy);
    proxy.set(Line::Open);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!((read(&mut stream), read(&mut second)), (Some(b'x'), Some(b'a')));
}

#[test]
fn a_delay_counts_in_the_direction_that_has_it() {
    let proxy = Proxy::to(echo(b'a')).unwrap();
    let mut stream = connect(&proxy);
    assert_eq!(read(&mut stream), Some(b'a'));
    proxy.delay(Duration::from_millis(50), Duration::from_millis(100));
    let began = Instant::now();
    stream.write_all(b"xyz").unwrap();
    assert_eq!([(); 3].map(|()| read(&mut stream)), [Some(b'x'), Some(b'y'), Some(b'z')]);
    let took = began.elapsed();
    assert!((150..1_000).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn connections_go_to_the_targets_in_turn_and_past_one_that_is_gone() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxy::between(&[echo(b'a'), echo(b'b')]).unwrap();
    let mut heard: Vec<_> = (0..4).map(|_| read(&mut connect(&proxy)).unwrap()).collect();
    heard.sort_unstable();
    assert_eq!(heard, b"aabb");
    proxy.retarget(&[gone, echo(b'c')]);
    assert_eq!([(); 2].map(|()| read(&mut connect(&proxy))), [Some(b'c'), Some(b'c')]);
}
