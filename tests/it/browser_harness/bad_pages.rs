//! Pages with one fault each, and who sees it.

/// One page, and the kinds of fault that a browser sees with JavaScript and without it.
pub(super) struct Bad {
    pub(super) name: &'static str,
    pub(super) head: &'static str,
    pub(super) body: &'static str,
    pub(super) with_script: &'static [&'static str],
    pub(super) without: &'static [&'static str],
}

const STRICT: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\">";

pub(super) const BAD: [Bad; 19] = [
    Bad {
        name: "console-error",
        head: "",
        body: "<script>console.error('no')</script>",
        with_script: &["console"],
        without: &[],
    },
    Bad {
        name: "exception",
        head: "",
        body: "<script>throw new Error('no')</script>",
        with_script: &["error"],
        without: &[],
    },
    Bad {
        name: "request",
        head: "",
        body: "<img src='http://127.0.0.1:9/' alt=''>",
        with_script: &["console", "request"],
        without: &["console", "request"],
    },
    Bad {
        name: "request-of-a-file",
        head: "<link rel=stylesheet href=beside.css>",
        body: "",
        with_script: &["request"],
        without: &["request"],
    },
    Bad {
        name: "request-that-the-policy-stops",
        head: STRICT,
        body: "<img src='http://127.0.0.1:9/' alt=''>",
        with_script: &["console", "policy", "request"],
        without: &["console", "policy", "request"],
    },
    Bad {
        name: "socket",
        head: "",
        body: "<script>new WebSocket('ws://127.0.0.1:9/')</script>",
        with_script: &["console", "request"],
        without: &[],
    },
    Bad {
        name: "inline-script",
        head: STRICT,
        body: "<script>window.pwned = 1</script>",
        with_script: &["console", "policy"],
        without: &[],
    },
    Bad {
        name: "payload",
        head: "",
        body: "<script>window.pwned = 1</script>",
        with_script: &["ran"],
        without: &[],
    },
    Bad {
        name: "handler",
        head: "",
        body: "<p onmouseover='window.pwned = 1'>one</p>",
        with_script: &["handler"],
        without: &["handler"],
    },
    Bad {
        name: "link-that-runs",
        head: "",
        body: "<a href=' java\tscript:window.pwned = 1'>one</a>",
        with_script: &["handler"],
        without: &["handler"],
    },
    Bad {
        name: "dialog",
        head: "",
        body: "<script>alert('no')</script>",
        with_script: &["dialog"],
        without: &[],
    },
    Bad {
        name: "elsewhere",
        head: "<meta http-equiv=refresh content='0;url=beside.html'>",
        body: "",
        with_script: &["navigation", "request"],
        without: &["navigation", "request"],
    },
    Bad {
        name: "overflow",
        head: "",
        body: "<div style='width: 400px'>wide</div>",
        with_script: &["overflow"],
        without: &["overflow"],
    },
    Bad {
        name: "overlap",
        head: "",
        body: "<svg width=300 height=50 role=img aria-label=chart><text x=9 y=20>one two</text>\
               <text x=30 y=22>three</text></svg>",
        with_script: &["overlap"],
        without: &["overlap"],
    },
    Bad {
        name: "outside",
        head: "",
        body: "<svg width=200 height=50 role=img aria-label=chart><text x=190 y=20>one two</text></svg>",
        with_script: &["outside"],
        without: &["outside"],
    },
    Bad {
        name: "cut",
        head: "",
        body: "<p style='width: 90px; overflow: hidden; white-space: nowrap'>as long as a name may be</p>",
        with_script: &["cut"],
        without: &["cut"],
    },
    Bad { name: "no-label", head: "", body: "<input type=text>", with_script: &["axe"], without: &[] },
    Bad {
        name: "no-contrast",
        head: "",
        body: "<p style='color: #bbb; background: #fff'>pale</p>",
        with_script: &["axe"],
        without: &[],
    },
    Bad {
        name: "trap",
        head: "",
        body: "<button id=first>one</button><button>two</button>\
               <script>first.onkeydown = (event) => event.preventDefault()</script>",
        with_script: &["unreached"],
        without: &[],
    },
];
