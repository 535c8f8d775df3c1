//! TLS as the load speaks it: version 1.3, one certificate that is trusted, and whole requests for the few REST calls.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, client::Resumption,
    crypto::ring::default_provider, pki_types::CertificateDer, version::TLS13,
};

/// As browsers say it; it is also all that the server speaks.
const ALPN: &[u8] = b"http/1.1";

/// Trust in one certificate. Clones are the same.
#[derive(Debug, Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Every connection is a person who was never here: none resumes the session of another.
    pub fn only_in(certificate: CertificateDer<'static>) -> io::Result<Trust> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate).map_err(io::Error::other)?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Trust(Arc::new(config)))
    }

    /// A handshake that has not begun.
    pub fn connection(&self, server: IpAddr) -> io::Result<ClientConnection> {
        ClientConnection::new(Arc::clone(&self.0), server.into()).map_err(io::Error::other)
    }

    /// Sends a request that asks for the connection's end, and returns status and body. Blocks for `wait` at each step.
    pub fn ask(&self, server: SocketAddr, request: &[u8], wait: Duration) -> io::Result<(u16, Vec<u8>)> {
        let socket = TcpStream::connect_timeout(&server, wait)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(wait))?;
        socket.set_write_timeout(Some(wait))?;
        let mut stream = StreamOwned::new(self.connection(server.ip())?, socket);
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        split(&answer).ok_or_else(|| io::Error::other("the answer was no HTTP/1.1 of a known length"))
    }
}

fn split(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(&answer[..end]).ok()?, &answer[end + 4..]);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let mut headers = lines.filter_map(|line| line.split_once(':'));
    let (_, length) = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    (length.trim().parse() == Ok(body.len())).then(|| (status, body.to_vec()))
}

/// The other side of a test.
#[cfg(test)]
pub mod counterpart {
    use std::{net::TcpListener, thread::JoinHandle};

    use rustls::{
        ServerConfig, ServerConnection,
        pki_types::{PrivateKeyDer, pem::PemObject as _},
    };

    use super::*;
    use crate::spawn::Certificate;

    /// Takes one connection, waits for `asked`, says `answer` and ends it. Fails when the handshake does.
    pub fn answering(
        certificate: &Certificate,
        asked: &'static [u8],
        answer: Vec<u8>,
    ) -> (SocketAddr, JoinHandle<io::Result<()>>) {
        let chain = vec![CertificateDer::from_pem_file(&certificate.chain).unwrap()];
        let key = PrivateKeyDer::from_pem_file(&certificate.key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = std::thread::spawn(move || {
            let (socket, _) = listener.accept()?;
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), socket);
            let mut heard = vec![0; asked.len()];
            stream.read_exact(&mut heard)?;
            assert_eq!(heard, asked);
            stream.write_all(&answer)?;
            stream.conn.send_close_notify();
            stream.flush()
        });
        (address, serving)
    }
}

#[cfg(test)]
mod tests {
    use super::{counterpart::answering, *};
    use crate::spawn::Certificate;

    const WAIT: Duration = Duration::from_secs(5);

    #[test]
    fn a_request_is_answered_over_tls() {
        let folder = tempfile::tempdir().unwrap();
        let certificate = Certificate::make(folder.path()).unwrap();
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok".to_vec();
        let (address, serving) = answering(&certificate, b"GET /", answer);
        assert_eq!(certificate.trust.ask(address, b"GET /", WAIT).unwrap(), (201, b"ok".to_vec()));
        serving.join().unwrap().unwrap();
    }

    #[test]
    fn another_certificate_for_the_same_address_is_refused() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [shown, trusted] = folders.each_ref().map(|folder| Certificate::make(folder.path()).unwrap());
        let (address, serving) = answering(&shown, b"GET /", Vec::new());
        let refused = trusted.trust.ask(address, b"GET /", WAIT).unwrap_err();
        assert!(refused.to_string().contains("invalid peer certificate"), "{refused}");
        assert!(serving.join().unwrap().is_err());
    }

    #[test]
    fn an_answer_that_was_cut_is_none() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\nyes";
        assert_eq!(split(whole), Some((200, b"yes".to_vec())));
        for cut in 0..whole.len() {
            assert_eq!(split(&whole[..cut]), None, "cut at {cut}");
        }
    }
}
