# Event lines (slurped into one array) as messages for people: plain text,
# one line that says it, then where, when, since when and the evidence.
# Control characters of remote origin are taken out.

def clean: tostring | explode | map(if . < 32 or (. > 126 and . < 160)
    or (. > 8205 and . < 8208) or (. > 8231 and . < 8239)
    or (. > 8293 and . < 8298) then 32 else . end) | implode;
def cut($n): clean | if length > $n then .[:$n] + "..." else . end;
def day: clean | sub("T"; " ") | sub("\\.[0-9]+Z$"; "Z") | sub("Z$"; " UTC");

def phrase:
  { "target.baseline": "first look", "site.down": "down", "site.up": "up again",
    "site.degraded": "degraded", "site.blocked": "blocked", "site.moved": "moved",
    "site.parked": "domain parked", "site.flapping": "unsteady",
    "content.changed": "content changed", "title.changed": "title changed",
    "channel.added": "new channel", "channel.removed": "channel gone",
    "share.added": "share button added", "share.removed": "share button removed",
    "embed.added": "embed added", "embed.removed": "embed removed",
    "player.added": "player added", "player.removed": "player removed",
    "address.changed": "address changed", "certificate.changed": "certificate changed",
    "redirect.changed": "redirect changed", "vantage.offline": "our own network is down",
    "vantage.online": "our own network is up again", "monitor.started": "watch started",
    "monitor.stopped": "watch stopped", "monitor.gap": "gap in the watch",
    "clock.stepped": "clock stepped" }[.type // ""] // (.type // "event" | clean);

def what: [ if .platform then (.platform | clean) + (if .name then "/" + (.name | cut(80)) else "" end) else empty end,
    (if .before != null and .after != null then "(\(.before) -> \(.after))" else empty end),
    (if .failure then (.failure | clean) else empty end),
    (if .status then "HTTP \(.status)" else empty end) ] | join(" ");

def headline: (.target // .vantage // "kpwatch" | clean) + ": " + phrase
  + (what | if . == "" then "" else ": " + . end);

def evidence: (.evidence // {}) as $e | [
    (if $e.warc then "\($e.warc | clean) at \($e.offset)" else empty end),
    (if $e.sha256 then "sha256 \($e.sha256 | clean)" else empty end),
    (if $e.element then "element \($e.element | cut(160))" else empty end),
    (if $e.text then "\"\($e.text | cut(160))\"" else empty end) ] | join(", ");

def details: [
    (if .url then "Where:    \(.url | cut(400))" + (if .page then " (page \(.page | clean))" else "" end) else empty end),
    "When:     \(.time | day)" + (if .vantage then ", seen from \(.vantage | clean)" else "" end),
    (if .since then "Since:    \(.since | day)" else empty end),
    (if .from and .to then "Gap:      \(.from | day) to \(.to | day)" else empty end),
    (if .old or .new then "Changed:  \(.old // "nothing" | cut(200)) -> \(.new // "nothing" | cut(200))" else empty end),
    (evidence | if . == "" then empty else "Evidence: " + . end),
    "Event:    \(.seq)" ] | join("\n");

def subject: if length == 1 then .[0] | headline
  else "\(length) events: " + (group_by(.type) | sort_by(-length)
    | map("\(length) \(.[0].type | clean)") | join(", ")) end;

def listed: .[:200] | map("- \(.time | day)  \(headline)") | join("\n");

def text: if length == 1 then .[0] | headline + "\n\n" + details
  else subject + "\n\n" + listed
    + (if length > 200 then "\n... and \(length - 200) more: kpwatch log" else "" end)
    + "\n\nEvents:   \(.[0].seq) to \(.[-1].seq)" end;
