//! What objects there are at an address, for triggers that watch one: the list of a container of Azure Blob Storage or of an S3 bucket, or one object by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Request, Response, header};
use quick_xml::Reader;
use quick_xml::events::Event;
use sprag_core::digest::{Digest, Hasher};
use sprag_http::Http;

/// The longest wait for an answer, and the most bytes of one.
const PATIENCE: Duration = Duration::from_secs(30);
const MOST: usize = 32 << 20;

/// The most pages of a list.
const MOST_PAGES: usize = 1000;

/// A page of a list: objects by their names, each with its entity tag, and where the list goes on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    objects: BTreeMap<String, String>,
    next: Option<Next>,
}

/// The parameter that asks for the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Next {
    parameter: &'static str,
    value: String,
}

/// The digest of the names and entity tags of what there is. No error shows more of the address than its host, since what follows may be a secret.
pub(super) fn listed(address: &str, secret: Option<&str>) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let http = Http::new(None, PATIENCE, MOST).map_err(|error| error.to_string())?;
    let whole = match secret.map(|secret| secret.trim_start_matches(['?', '&'])) {
        Some(secret) => with(address, secret),
        None => address.to_owned(),
    };
    let host = host_of(address)?;
    runtime.block_on(async {
        let mut objects = BTreeMap::new();
        let mut url = whole.clone();
        for _ in 0..MOST_PAGES {
            let request = Request::get(&url).body(vec![]).map_err(|_| format!("{host}: expected an address, found none"))?;
            let answer = http.send(request).await.map_err(|error| error.to_string())?;
            if !answer.status().is_success() {
                return Err(format!("{host}: expected status 200, found {}", answer.status().as_u16()));
            }
            let Some(page) = page(answer.body()).map_err(|error| format!("{host}: {error}"))? else {
                return Ok(of_object(&answer));
            };
            objects.extend(page.objects);
            match page.next {
                Some(Next { parameter, value }) => {
                    url = with(&whole, &format!("{parameter}={}", sprag_pages::run::encoded(&value)));
                }
                None => return Ok(of_list(&objects)),
            }
        }
        Err(format!("{host}: expected at most {MOST_PAGES} pages, found more"))
    })
}

fn with(address: &str, query: &str) -> String {
    format!("{address}{}{query}", if address.contains('?') { '&' } else { '?' })
}

/// The host, where what is asked for may cross the way to it.
fn host_of(address: &str) -> Result<String, String> {
    let uri: http::Uri = address.parse().map_err(|error| format!("expected an address: {error}"))?;
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_matches(['[', ']']);
    let is_local = bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if uri.scheme_str() == Some("https") || is_local {
        return Ok(host.to_owned());
    }
    Err(format!("{host}: expected an address that begins with `https://`, or one of this machine"))
}

fn of_list(objects: &BTreeMap<String, String>) -> String {
    let mut hasher = Hasher::new();
    for (name, tag) in objects {
        hasher.field(name.as_bytes());
        hasher.field(tag.as_bytes());
    }
    hasher.finish().to_string()
}

/// One object by itself: its entity tag, else its bytes.
fn of_object(answer: &Response<Vec<u8>>) -> String {
    let tag = answer.headers().get(header::ETAG).map(|tag| tag.as_bytes());
    Digest::of(tag.unwrap_or(answer.body())).to_string()
}

/// A page of a list of either kind; none where it is something else.
fn page(body: &[u8]) -> Result<Option<Page>, String> {
    let mut reader = Reader::from_reader(body);
    let (mut page, mut path, mut object) = (Page::default(), Vec::<String>::new(), (String::new(), String::new()));
    let mut is_list = false;
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            // What is no list need not be XML.
            Err(_) if path.is_empty() => return Ok(None),
            Err(error) => return Err(format!("expected a list as XML: {error}")),
        };
        match event {
            Event::Start(start) => {
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                if path.len() == 1 && !matches!(path[0].as_str(), "EnumerationResults" | "ListBucketResult") {
                    return Ok(None);
                }
                is_list = true;
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|error| error.to_string())?;
                let inner = path.last().map(String::as_str).unwrap_or_default();
                match inner {
                    "Name" | "Key" if path.len() > 2 => object.0 += &text,
                    "Etag" | "ETag" => object.1 += &text,
                    "NextMarker" => page.next = Some(Next { parameter: "marker", value: text.into_owned() }),
                    "NextContinuationToken" => {
                        page.next = Some(Next { parameter: "continuation-token", value: text.into_owned() });
                    }
                    _ => {}
                }
            }
            // `&amp;` and such in a name.
            Event::GeneralRef(reference) => {
                let name = String::from_utf8_lossy(&reference).into_owned();
                match path.last().map(String::as_str) {
                    Some("Name" | "Key") => object.0.extend(["&", &name, ";"]),
                    Some("Etag" | "ETag") => object.1.extend(["&", &name, ";"]),
                    _ => {}
                }
            }
            Event::End(_) => {
                let ended = path.pop();
                if matches!(ended.as_deref(), Some("Blob" | "Contents")) {
                    let (name, tag) = std::mem::take(&mut object);
                    page.objects.insert(name, tag);
                }
            }
            Event::Eof if path.is_empty() => return Ok(is_list.then_some(page)),
            Event::Eof => return Err("expected a whole list, found one that breaks off".to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_both_kinds_are_read() {
        let azure = "<?xml version=\"1.0\"?><EnumerationResults ContainerName=\"data\"><Blobs><Blob><Name>a&amp;b.csv</Name><Properties><Etag>0x1</Etag></Properties></Blob><Blob><Name>c.csv</Name><Properties><Etag>0x2</Etag></Properties></Blob></Blobs><NextMarker>m 1</NextMarker></EnumerationResults>";
        let read = page(azure.as_bytes()).unwrap().unwrap();
        let objects = [("a&amp;b.csv", "0x1"), ("c.csv", "0x2")].map(|(name, tag)| (name.to_owned(), tag.to_owned()));
        assert_eq!(read, Page { objects: objects.into(), next: Some(Next { parameter: "marker", value: "m 1".to_owned() }) });
        let s3 = "<ListBucketResult><Name>bucket</Name><Contents><Key>x/1</Key><ETag>&quot;9b2c&quot;</ETag></Contents><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>";
        let read = page(s3.as_bytes()).unwrap().unwrap();
        assert_eq!(
            read.objects,
            [("x/1".to_owned(), "&quot;9b2c&quot;".to_owned())].into(),
            "the bucket's name is none of an object"
        );
        assert_eq!(read.next.unwrap().parameter, "continuation-token");
    }

    #[test]
    fn what_is_no_list_is_an_object() {
        for other in ["", "a,b\n1,2\n", "<html><body>hi</body></html>", "{\"a\": 1}"] {
            assert_eq!(page(other.as_bytes()), Ok(None), "{other}");
        }
        assert!(page(b"<EnumerationResults><Blobs>").is_err());
    }

    #[test]
    fn a_secret_goes_along_and_nothing_crosses_in_the_open() {
        assert_eq!(with("https://a/b?comp=list", "sig=x"), "https://a/b?comp=list&sig=x");
        assert_eq!(with("https://a/b", "sig=x"), "https://a/b?sig=x");
        assert!(host_of("http://storage.example.com/x?sig=secret").unwrap_err().starts_with("storage.example.com: "));
        assert_eq!(host_of("http://127.0.0.1:10000/x").as_deref(), Ok("127.0.0.1"));
    }
}
