//! Pages with one fault each, and who sees it.

/// One page, and the kinds of fault that a browser sees.
#[derive(Clone, Copy)]
pub(super) struct Bad {
    pub(super) name: &'static str,
    pub(super) head: &'static str,
    pub(super) body: &'static str,
    pub(super) kinds: &'static [&'static str],
    /// Whether they are seen with JavaScript alone.
    pub(super) by_script: bool,
}

const STRICT: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\">";

const fn always(name: &'static str, body: &'static str, kinds: &'static [&'static str]) -> Bad {
    Bad { name, head: "", body, kinds, by_script: false }
}

const fn by_script(name: &'static str, body: &'static str, kinds: &'static [&'static str]) -> Bad {
    Bad { by_script: true, ..always(name, body, kinds) }
}

const fn headed(head: &'static str, bad: Bad) -> Bad {
    Bad { head, ..bad }
}

const OUTSIDE: &str = "<img src='http://127.0.0.1:9/' alt=''>";
const PAYLOAD: &str = "<script>window.pwned = 1</script>";

pub(super) const BAD: [Bad; 19] = [
    by_script("console-error", "<script>console.error('no')</script>", &["console"]),
    by_script("exception", "<script>throw new Error('no')</script>", &["error"]),
    always("request", OUTSIDE, &["console", "request"]),
    headed("<link rel=stylesheet href=beside.css>", always("request-of-a-file", "", &["request"])),
    headed(STRICT, always("request-that-the-policy-stops", OUTSIDE, &["console", "policy", "request"])),
    by_script("socket", "<script>new WebSocket('ws://127.0.0.1:9/')</script>", &["console", "request"]),
    headed(STRICT, by_script("inline-script", PAYLOAD, &["console", "policy"])),
    by_script("payload", PAYLOAD, &["ran"]),
    always("handler", "<p onmouseover='window.pwned = 1'>one</p>", &["handler"]),
    always("link-that-runs", "<a href=' java\tscript:window.pwned = 1'>one</a>", &["handler"]),
    by_script("dialog", "<script>alert('no')</script>", &["dialog"]),
    headed(
        "<meta http-equiv=refresh content='0;url=beside.html'>",
        always("elsewhere", "", &["navigation", "request"]),
    ),
    always("overflow", "<div style='width: 400px'>wide</div>", &["overflow"]),
    always(
        "overlap",
        "<svg width=300 height=50 role=img aria-label=chart><text x=9 y=20>one two</text>\
         <text x=30 y=22>three</text></svg>",
        &["overlap"],
    ),
    always(
        "outside",
        "<svg width=200 height=50 role=img aria-label=chart><text x=190 y=20>one two</text></svg>",
        &["outside"],
    ),
    always(
        "cut",
        "<p style='width: 90px; overflow: hidden; white-space: nowrap'>as long as a name may be</p>",
        &["cut"],
    ),
    by_script("no-label", "<input type=text>", &["axe"]),
    by_script("no-contrast", "<p style='color: #bbb; background: #fff'>pale</p>", &["axe"]),
    by_script(
        "trap",
        "<button id=first>one</button><button>two</button>\
         <script>first.onkeydown = (event) => event.preventDefault()</script>",
        &["unreached"],
    ),
];
