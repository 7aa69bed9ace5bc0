//! A real browser, driven by WebDriver through chromedriver.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A headless Chromium with a profile of its own.
pub struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
    touch: bool,
    _profile: tempfile::TempDir,
}

/// The first of these programs that is on the path.
fn find(names: &[&str]) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|it| it.is_file())
}

impl Browser {
    /// Starts a browser with a window of this size, in CSS pixels, that takes touches or a mouse. Fails
    /// where there is no Chromium or no chromedriver.
    pub fn start(width: u32, height: u32, touch: bool) -> Self {
        let chromium = find(&["chromium", "chromium-browser", "google-chrome"]).expect("Chromium is on the path");
        let mut driver = Command::new(find(&["chromedriver"]).expect("chromedriver is on the path"))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| {
                line.rsplit_once("on port ")?.1.trim_end_matches('.').parse::<u16>().ok().filter(|it| *it > 0)
            })
            .expect("chromedriver tells its port");
        let profile = tempfile::tempdir().unwrap();
        let mut options = json!({
            "binary": chromium,
            "args": [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                format!("--window-size={width},{height}"),
                format!("--user-data-dir={}", profile.path().display()),
            ],
        });
        if touch {
            let metrics = json!({ "width": width, "height": height, "pixelRatio": 2, "touch": true, "mobile": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .build()
            .new_agent();
        let mut browser =
            Self { driver, session: format!("http://127.0.0.1:{port}/session"), agent, touch, _profile: profile };
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let begun = browser.ask("", Some(&wanted));
        browser.session = format!("{}/{}", browser.session, begun["sessionId"].as_str().unwrap());
        if !touch {
            let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
            browser.ask(
                "/goog/cdp/execute",
                Some(&json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics })),
            );
        }
        browser
    }

    fn ask(&self, what: &str, body: Option<&Value>) -> Value {
        let (status, value) = self.try_ask(what, body);
        assert_eq!(status, 200, "{what}: {value}");
        value
    }

    fn try_ask(&self, what: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}{what}", self.session);
        let answer = match body {
            Some(body) => self.agent.post(&url).content_type("application/json").send(body.to_string()),
            None => self.agent.get(&url).call(),
        };
        let mut answer = answer.unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        (answer.status().as_u16(), value["value"].clone())
    }

    /// Opens an address; an address that does not answer is no error.
    pub fn open(&self, url: &str) {
        let (status, value) = self.try_ask("/url", Some(&json!({ "url": url })));
        assert!(status == 200 || value.to_string().contains("ERR_CONNECTION"), "{url}: {value}");
    }

    /// Runs a script, the body of a function with `arguments`.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.ask("/execute/sync", Some(&json!({ "script": script, "args": arguments })))
    }

    /// Runs a script, the body of an async function that is given `arguments` as `given`.
    pub fn run_async(&self, script: &str, arguments: &[Value]) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             (async (...given) => {{ {script} }})(...arguments).then((value) => done({{ value }}), (error) => done({{ error: String(error) }}))"
        );
        let answer = self.ask("/execute/async", Some(&json!({ "script": script, "args": arguments })));
        assert_eq!(answer.get("error"), None, "{answer}");
        answer["value"].clone()
    }

    /// The value of an expression.
    pub fn value(&self, expression: &str) -> Value {
        self.run(&format!("return {expression}"), &[])
    }

    /// The text of an element.
    pub fn text(&self, selector: &str) -> String {
        let text = self.run("return document.querySelector(arguments[0]).textContent", &[json!(selector)]);
        text.as_str().unwrap().to_owned()
    }

    /// Waits until an expression is true.
    pub fn wait(&self, expression: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let value = self.value(expression);
            if value == json!(true) {
                return;
            }
            if Instant::now() >= deadline {
                std::fs::write(std::env::temp_dir().join("atmoscope-browser.png"), self.picture()).unwrap();
                panic!("waited in vain for {expression}: {value}; {:?}", self.complaints());
            }
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    /// Where an element's middle is, scrolled into view; nothing may lie above it.
    fn middle_of(&self, selector: &str) -> (i64, i64) {
        let script = "
            const element = document.querySelector(arguments[0]);
            if (!element) return 'not there';
            element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
            const box = element.getBoundingClientRect();
            const [x, y] = [Math.round(box.left + box.width / 2), Math.round(box.top + box.height / 2)];
            const top = document.elementFromPoint(x, y);
            if (!top || !(element.contains(top) || top.contains(element))) return `covered by ${top?.outerHTML.slice(0, 200)}`;
            return [x, y];";
        let place = self.run(script, &[json!(selector)]);
        let at = |index: usize| place[index].as_i64();
        at(0).zip(at(1)).unwrap_or_else(|| {
            std::fs::write(std::env::temp_dir().join("atmoscope-browser.png"), self.picture()).unwrap();
            panic!("{selector}: {place}")
        })
    }

    fn pointer(&self, steps: Vec<Value>) {
        let kind = if self.touch { "touch" } else { "mouse" };
        let pointer =
            json!({ "type": "pointer", "id": "pointer", "parameters": { "pointerType": kind }, "actions": steps });
        self.ask("/actions", Some(&json!({ "actions": [pointer] })));
    }

    /// A tap or a click.
    pub fn tap(&self, selector: &str) {
        let (x, y) = self.middle_of(selector);
        self.pointer(vec![
            json!({ "type": "pointerMove", "duration": 0, "x": x, "y": y }),
            json!({ "type": "pointerDown", "button": 0 }),
            json!({ "type": "pointerUp", "button": 0 }),
        ]);
    }

    /// Holds a finger or button for a moment.
    pub fn hold(&self, selector: &str) {
        let (x, y) = self.middle_of(selector);
        self.pointer(vec![
            json!({ "type": "pointerMove", "duration": 0, "x": x, "y": y }),
            json!({ "type": "pointerDown", "button": 0 }),
            json!({ "type": "pause", "duration": 600 }),
            json!({ "type": "pointerUp", "button": 0 }),
        ]);
    }

    /// Drags one element to another, in steps as a hand does.
    pub fn drag(&self, from: &str, to: &str) {
        self.middle_of(from);
        let (end_x, end_y) = self.middle_of(to);
        let (x, y) = self.middle_of(from);
        let mut steps = vec![
            json!({ "type": "pointerMove", "duration": 0, "x": x, "y": y }),
            json!({ "type": "pointerDown", "button": 0 }),
        ];
        for step in 1..=6 {
            let (x, y) = (x + (end_x - x) * step / 6, y + (end_y - y) * step / 6);
            steps.push(json!({ "type": "pointerMove", "duration": 20, "x": x, "y": y }));
        }
        steps.push(json!({ "type": "pointerUp", "button": 0 }));
        self.pointer(steps);
    }

    /// Presses keys one after another, with those in `held` down meanwhile.
    pub fn keys(&self, held: &[char], keys: &[char]) {
        let key = |kind: &str, key: &char| json!({ "type": kind, "value": key });
        let mut steps: Vec<Value> = held.iter().map(|held| key("keyDown", held)).collect();
        steps.extend(keys.iter().flat_map(|pressed| [key("keyDown", pressed), key("keyUp", pressed)]));
        steps.extend(held.iter().map(|held| key("keyUp", held)));
        self.ask("/actions", Some(&json!({ "actions": [{ "type": "key", "id": "keys", "actions": steps }] })));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.ask("/refresh", Some(&json!({})));
    }

    /// What the page complained about, but for connections that were refused.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.ask("/se/log", Some(&json!({ "type": "browser" })));
        let lines =
            log.as_array().into_iter().flatten().map(|entry| entry["message"].as_str().unwrap_or_default().to_owned());
        lines.filter(|line| !line.contains("net::ERR_") && !line.contains("503")).collect()
    }

    /// A picture of the page, as PNG.
    pub fn picture(&self) -> Vec<u8> {
        let coded = self.ask("/screenshot", None);
        decoded(coded.as_str().unwrap())
    }
}

/// Base64 as bytes.
fn decoded(text: &str) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for value in text.bytes().filter_map(|byte| LETTERS.iter().position(|letter| *letter == byte)) {
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// WebDriver's names of keys.
pub mod key {
    pub const SHIFT: char = '\u{E008}';
    pub const CONTROL: char = '\u{E009}';
    pub const ALT: char = '\u{E00A}';
    pub const ENTER: char = '\u{E007}';
    pub const ESCAPE: char = '\u{E00C}';
    pub const DELETE: char = '\u{E017}';
    pub const F2: char = '\u{E032}';
    pub const LEFT: char = '\u{E012}';
    pub const UP: char = '\u{E013}';
    pub const RIGHT: char = '\u{E014}';
    pub const DOWN: char = '\u{E015}';
}
