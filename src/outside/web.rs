//! HTTP/1.1 to somebody else's server, encrypted when its address says https://. One connection, which is kept; redirections are not followed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_LENGTH, HOST};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

/// Of an answer that says that something is wrong.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

type Sender = SendRequest<Full<Bytes>>;

pub struct Web {
    /// Without a slash at its end.
    base: String,
    host: String,
    port: u16,
    /// What the Host header says.
    authority: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    within: Duration,
    kept: Mutex<Option<Sender>>,
}

/// Whose certificates are believed.
#[derive(Clone, Copy, Debug)]
pub enum Authorities<'a> {
    OfTheSystem,
    /// In PEM.
    OfFile(&'a Path),
}

#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error("{url} is no address of a site: http:// or https://, a host, and at most a path")]
    Address { url: String },
    #[error("no certificate authority is trusted: {0}")]
    Authorities(String),
    #[error("{url} cannot be read: {reason}; try again later")]
    Unread { url: String, reason: String },
    #[error("{url} answers {status}")]
    Answered { url: String, status: StatusCode },
    #[error("{url}: more than {bytes_max} bytes")]
    TooLong { url: String, bytes_max: usize },
}

impl Web {
    /// `within`: each answer comes whole in this time, or it is given up.
    pub fn new(base: &str, authorities: Authorities<'_>, within: Duration) -> Result<Self, WebError> {
        let refused = || WebError::Address { url: base.to_owned() };
        let uri: Uri = base.parse().map_err(|_| refused())?;
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(refused)?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(refused());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match scheme {
            "http" => None,
            "https" => {
                let name = ServerName::try_from(host.clone()).map_err(|_| refused())?;
                Some((connector(authorities)?, name))
            }
            _ => return Err(refused()),
        };
        let port = authority.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        let (base, authority) = (base.trim_end_matches('/').to_owned(), authority.to_string());
        Ok(Self { base, host, port, authority, tls, within, kept: Mutex::new(None) })
    }

    pub async fn get(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, WebError> {
        let (status, bytes) = self.ask(&Method::GET, path, Bytes::new(), bytes_max).await?;
        if status.is_success() { Ok(bytes) } else { Err(WebError::Answered { url: self.url(path), status }) }
    }

    /// The answer whatever its status.
    pub async fn post(
        &self,
        path: &str,
        body: String,
        bytes_max: usize,
    ) -> Result<(StatusCode, Vec<u8>), WebError> {
        self.ask(&Method::POST, path, body.into(), bytes_max).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    async fn ask(
        &self,
        method: &Method,
        path: &str,
        body: Bytes,
        bytes_max: usize,
    ) -> Result<(StatusCode, Vec<u8>), WebError> {
        let url = self.url(path);
        let turn = tokio::time::timeout(self.within, self.turn(method, &url, &body, bytes_max));
        match turn.await {
            Ok(answered) => answered,
            Err(_) => {
                Err(WebError::Unread { url, reason: format!("no answer within {} s", self.within.as_secs()) })
            }
        }
    }

    async fn turn(
        &self,
        method: &Method,
        url: &str,
        body: &Bytes,
        bytes_max: usize,
    ) -> Result<(StatusCode, Vec<u8>), WebError> {
        let mut kept = self.kept.lock().await;
        // Whoever gives up in the middle leaves no connection behind.
        let again = match kept.take() {
            Some(sender) => self.again(sender, method, url, body).await?,
            None => None,
        };
        let (sender, answer) = match again {
            Some(asked) => asked,
            None => self.anew(method, url, body).await?,
        };
        let status = answer.status();
        let bytes_max = if status.is_success() { bytes_max } else { bytes_max.max(REFUSAL_BYTES_MAX) };
        let bytes = whole(url, answer.into_body(), bytes_max).await?;
        *kept = Some(sender);
        Ok((status, bytes))
    }

    fn request(&self, method: &Method, url: &str, body: &Bytes) -> Result<Request<Full<Bytes>>, WebError> {
        let refused = || WebError::Address { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let path = uri.path_and_query().ok_or_else(refused)?.as_str();
        let request = Request::builder().method(method.clone()).uri(path).header(HOST, &self.authority);
        let request = match *method {
            Method::GET => request,
            _ => request.header(CONTENT_LENGTH, body.len()),
        };
        request.body(Full::new(body.clone())).map_err(|_| refused())
    }

    /// On the connection that was kept. `None`: the server closed it meanwhile.
    async fn again(
        &self,
        mut sender: Sender,
        method: &Method,
        url: &str,
        body: &Bytes,
    ) -> Result<Option<(Sender, Response<Incoming>)>, WebError> {
        if sender.ready().await.is_err() {
            return Ok(None);
        }
        let answer = sender.send_request(self.request(method, url, body)?).await;
        Ok(answer.ok().map(|answer| (sender, answer)))
    }

    async fn anew(
        &self,
        method: &Method,
        url: &str,
        body: &Bytes,
    ) -> Result<(Sender, Response<Incoming>), WebError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| unread(url, &error))?;
        let mut sender = match &self.tls {
            None => spoken(url, stream).await?,
            Some((connector, name)) => {
                let encrypted = connector.connect(name.clone(), stream).await;
                spoken(url, encrypted.map_err(|error| unread(url, &error))?).await?
            }
        };
        let answer = sender.send_request(self.request(method, url, body)?).await;
        Ok((sender, answer.map_err(|error| unread(url, &error))?))
    }
}

async fn spoken(
    url: &str,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<Sender, WebError> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| unread(url, &error))?;
    // It ends with its sender; what went wrong the sender is told as well.
    drop(tokio::spawn(async move { drop(connection.await) }));
    Ok(sender)
}

async fn whole(url: &str, mut body: Incoming, bytes_max: usize) -> Result<Vec<u8>, WebError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| unread(url, &error))?.into_data() else { continue };
        if bytes.len() + data.len() > bytes_max {
            return Err(WebError::TooLong { url: url.to_owned(), bytes_max });
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn connector(authorities: Authorities<'_>) -> Result<TlsConnector, WebError> {
    let failed = |why: &dyn std::fmt::Display| WebError::Authorities(why.to_string());
    let given = match authorities {
        Authorities::OfTheSystem => rustls_native_certs::load_native_certs().certs,
        Authorities::OfFile(path) => {
            let named = |error: &dyn std::fmt::Display| failed(&format!("{}: {error}", path.display()));
            let pem = CertificateDer::pem_file_iter(path).map_err(|error| named(&error))?;
            pem.collect::<Result<Vec<_>, _>>().map_err(|error| named(&error))?
        }
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(given);
    if roots.is_empty() {
        return Err(failed(&"the system, or the file, names none"));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn unread(url: &str, error: &dyn std::error::Error) -> WebError {
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(below) = source {
        reason = format!("{reason}: {below}");
        source = below.source();
    }
    WebError::Unread { url: url.to_owned(), reason }
}
