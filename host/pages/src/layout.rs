//! What all pages have in common.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style of all pages: light and dark as the reader's system is, readable on a phone, and no font, picture or script from elsewhere.
pub const STYLE: &str = include_str!("page.css");

/// A whole document in one file.
pub fn document(title: &str, body: &Markup) -> String {
    whole(title, &html! { style { (PreEscaped(STYLE)) } }, &html! { main { (body) } })
}

/// A page of the server, whose style and script are files of their own.
pub fn page(title: &str, nav: &Markup, body: &Markup) -> String {
    let head = html! {
        link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
        link rel="stylesheet" href="/assets/page.css";
        script src="/assets/live.js" defer {}
    };
    let body = html! {
        a.skip href="#content" { "To the content" }
        nav aria-label="Places" { (nav) }
        main id="content" { (body) }
    };
    whole(&format!("{title} – sprag"), &head, &body)
}

fn whole(title: &str, head: &Markup, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                (head)
            }
            body { (body) }
        }
    };
    page.into_string()
}

/// A word on how something stands, told apart by more than its colour.
pub fn badge(name: &str) -> Markup {
    let (kind, sign) = match name {
        "promoted" | "succeeded" | "passed" | "released" | "finished" => ("good", "✓"),
        "kept" | "skipped" | "queued" | "cancelled" => ("calm", "–"),
        "running" | "awaiting-approval" => ("busy", "…"),
        _ => ("bad", "✗"),
    };
    html! { span class={ "badge " (kind) } { span aria-hidden="true" { (sign) " " } (name) } }
}
