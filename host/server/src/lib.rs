//! The server of a team: published pipelines run on request, by triggers and in turn, behind an HTTP API.
//!
//! A [`site::Site`] is the projects that a server looks after, [`worker`] runs what is requested of them, [`triggers::Triggers`] ask for runs by themselves, and [`api`] answers over HTTP. What is
//! to be done is in the stores of the projects before anybody is told that it will be, so that a server can be killed at any moment.
//!
//! It deliberately decides nothing about models, and knows neither built-in plugins nor secrets: [`ground::Ground`] is what the program gives it.

pub mod api;
pub mod auth;
pub mod beside;
mod figures;
pub mod ground;
pub mod hub;
pub mod limit;
pub mod listen;
pub mod problem;
pub mod site;
pub mod token;
pub mod triggers;
mod web;
pub mod webhook;
pub mod worker;
