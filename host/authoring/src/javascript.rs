//! Building in JavaScript: componentize-js, as the project's `package-lock.json` pins it.

use std::fs;
use std::path::Path;

use crate::AuthoringError;
use crate::tool::{Call, Stop, Tool};

const ADVICE: &str = "install Node.js 20 or later, which brings npm: https://nodejs.org";

const NODE: Tool = Tool { program: "node", what: "Node.js 20 or later", advice: ADVICE };

const NPM: Tool = Tool { program: "npm", what: "the package manager of Node.js", advice: ADVICE };

/// Builds.
pub(crate) fn build(dir: &Path, component: &str, stop: Stop<'_>) -> Result<(), AuthoringError> {
    let node = NODE.find()?;
    let is_new_enough = "process.exit(Number(process.versions.node.split('.')[0]) >= 20 ? 0 : 1)";
    if !Call::new(&node, dir, stop).args(["-e", is_new_enough]).quiet().run()? {
        let message = format!("expected Node.js 20 or later as `node` on the PATH, found an older one at `{}`", node.display());
        return Err(AuthoringError::new(message).hint(ADVICE));
    }
    if !is_installed(dir) {
        let npm = NPM.find()?;
        if !Call::new(npm, dir, stop).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).run()? {
            return Err(AuthoringError::new(format!("npm could not install what `{}` needs: it says why above", dir.display()))
                .hint("the first build needs a network"));
        }
    }
    if Call::new(node, dir, stop).args(["sprag/build.mjs", component]).run()? {
        return Ok(());
    }
    Err(AuthoringError::new(format!("componentize-js could not build `{}`: it says why above", dir.display())))
}

/// Whether npm installed what the lockfile pins, and nothing changed there since. npm's own note of it is younger then.
fn is_installed(dir: &Path) -> bool {
    let modified = |path: &str| fs::metadata(dir.join(path)).and_then(|metadata| metadata.modified()).ok();
    match (modified("node_modules/.package-lock.json"), modified("package-lock.json")) {
        (Some(installed), Some(pinned)) => installed >= pinned,
        (Some(_), None) => true,
        (None, _) => false,
    }
}
