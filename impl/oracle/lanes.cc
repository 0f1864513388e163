#include "impl/oracle/lanes.h"

#include <algorithm>
#include <vector>

#include "impl/call/cat.h"
#include "impl/oracle/lanes_layout.h"

namespace ipcspec {
namespace {

constexpr int kGutter = 6;  // columns for the names of tasks

std::string RightAligned(std::string text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

std::string DrawBlock(const LaneLayout& layout, int block) {
  const auto width = static_cast<size_t>(layout.width);
  const std::vector<int> tasks = layout.TasksIn(block);
  std::vector<std::string> lanes(tasks.size(), std::string(width, ' '));
  const auto lane_of = [&](int task) -> std::string& {
    return lanes[std::lower_bound(tasks.begin(), tasks.end(), task) - tasks.begin()];
  };
  for (const LaneQuiet& quiet : layout.quiets) {
    if (quiet.block != block) continue;
    for (std::string& lane : lanes) lane[quiet.at] = '|';
  }
  for (const LaneBar& bar : layout.bars) {
    if (bar.block != block) continue;
    std::string& lane = lane_of(bar.task);
    for (int i = bar.from; i <= bar.to; ++i) {
      lane[i] = bar.blamed ? '#' : lane[i] == '|' ? '+' : '-';
    }
    if (bar.begins) lane[bar.from] = '[';
    if (bar.ends && bar.end != LaneBar::End::kDied) lane[bar.to] = ']';
    if (!bar.ends) lane[bar.to] = '~';
  }
  for (const LaneText& text : layout.texts) {
    if (text.block == block) lane_of(text.task).replace(text.from, text.text.size(), text.text);
  }
  std::string out = Cat(RightAligned("", kGutter), layout.begin_ns[block], " ns\n");
  for (size_t i = 0; i < tasks.size(); ++i) {
    std::string line = RightAligned(Cat("t", tasks[i]), kGutter - 1) + " " + lanes[i];
    line.erase(line.find_last_not_of(' ') + 1);
    Append(&out, line, "\n");
  }
  return out;
}

// Sizes of the picture, in pixels.
constexpr int kColumn = 7, kLane = 26, kBar = 20, kLeft = 56, kHead = 22, kGap = 14;
constexpr int kPageWidth = 150;  // columns

std::string Escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string_view ClassOf(const LaneBar& bar) {
  switch (bar.end) {
    case LaneBar::End::kReturned:
      return "ok";
    case LaneBar::End::kFailed:
      return "failed";
    case LaneBar::End::kDied:
      return "died";
    case LaneBar::End::kPending:
      return "pending";
  }
  return "";
}

std::string_view ClassOf(const LaneText& text) {
  switch (text.kind) {
    case LaneText::Kind::kCall:
      return "call";
    case LaneText::Kind::kOutcome:
      return "outcome";
    default:
      return "mark";
  }
}

// Draws a block from `top` down; returns where it ends.
int DrawBlockAsSvg(const LaneLayout& layout, int block, int top, std::string* out) {
  const std::vector<int> tasks = layout.TasksIn(block);
  const auto lane_top = [&](int task) {
    const auto lane = std::lower_bound(tasks.begin(), tasks.end(), task) - tasks.begin();
    return top + kHead + static_cast<int>(lane) * kLane;
  };
  const int bottom = top + kHead + static_cast<int>(tasks.size()) * kLane;
  const auto x = [](int column) { return kLeft + column * kColumn; };
  Append(out, "<text class=\"time\" x=\"", kLeft, "\" y=\"", top + 14, "\">",
         layout.begin_ns[block], " ns</text>\n");
  for (int task : tasks) {
    Append(out, "<text class=\"task\" x=\"", kLeft - 10, "\" y=\"", lane_top(task) + 14, "\">t",
           task, "</text>\n<line class=\"lane\" x1=\"", kLeft, "\" x2=\"", x(layout.width),
           "\" y1=\"", lane_top(task) + kBar / 2, "\" y2=\"", lane_top(task) + kBar / 2, "\"/>\n");
  }
  for (const LaneQuiet& quiet : layout.quiets) {
    if (quiet.block != block) continue;
    Append(out, "<line class=\"", quiet.blamed ? "quiet blamed" : "quiet", "\" x1=\"", x(quiet.at),
           "\" x2=\"", x(quiet.at), "\" y1=\"", top + kHead - 4, "\" y2=\"", bottom,
           "\"><title>all is quiet</title></line>\n");
  }
  for (const LaneBar& bar : layout.bars) {
    if (bar.block != block) continue;
    Append(out, "<rect class=\"", ClassOf(bar), bar.blamed ? " blamed" : "", "\" x=\"", x(bar.from),
           "\" y=\"", lane_top(bar.task), "\" width=\"", (bar.to - bar.from + 1) * kColumn,
           "\" height=\"", kBar, "\" rx=\"", bar.begins && bar.ends ? 4 : 0, "\"><title>",
           Escape(bar.whole), "</title></rect>\n");
  }
  for (const LaneText& text : layout.texts) {
    if (text.block != block) continue;
    Append(out, "<text class=\"", ClassOf(text), "\" x=\"", x(text.from), "\" y=\"",
           lane_top(text.task) + 14, "\" textLength=\"", text.text.size() * kColumn - 1, "\">",
           Escape(text.text), "</text>\n");
  }
  return bottom + kGap;
}

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --back: #fff; --ink: #1b1f24; --soft: #6a737d; --line: #d8dee4;
  --ok: #d7ebff; --failed: #ffe3c2; --died: #ffd1d1; --pending: #e7e0f5; --mark: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --back: #14181d; --ink: #e3e8ee; --soft: #96a0ac;
  --line: #333b45; --ok: #1f4266; --failed: #5f431b; --died: #662626; --pending: #453866;
  --mark: #ff9c94; } }
body { background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  margin: 1.5rem; }
h1 { font-size: 1.2rem; }
pre { font: 12px/1.45 ui-monospace, monospace; white-space: pre-wrap; }
.scroll { overflow-x: auto; }
svg text { font: 11.5px ui-monospace, monospace; fill: var(--ink); pointer-events: none; }
svg .task { text-anchor: end; fill: var(--soft); }
svg .time { fill: var(--soft); }
svg .mark { fill: var(--mark); font-weight: bold; }
svg .outcome { font-weight: bold; }
svg rect { stroke: var(--soft); stroke-width: .6; }
svg .ok { fill: var(--ok); }
svg .failed { fill: var(--failed); }
svg .died { fill: var(--died); }
svg .pending { fill: var(--pending); stroke-dasharray: 4 2; }
svg .lane { stroke: var(--line); }
svg .quiet { stroke: var(--soft); stroke-dasharray: 2 3; stroke-width: 1.5; }
svg .blamed { stroke: var(--mark); stroke-width: 2.5; stroke-dasharray: none; }
.legend span { display: inline-block; margin: 0 .6rem .3rem 0; padding: 0 .5rem; border-radius: 4px;
  border: 1px solid var(--soft); font-size: 12px; }
.legend .ok { background: var(--ok); }
.legend .failed { background: var(--failed); }
.legend .died { background: var(--died); }
.legend .pending { background: var(--pending); border-style: dashed; }
.legend .quiet { border-width: 0 0 0 2px; border-style: dashed; border-radius: 0; }
.legend .blamed { border: 2.5px solid var(--mark); }
)";

constexpr std::string_view kLegend =
    "<p class=\"legend\"><span class=\"ok\">returned</span><span class=\"failed\">failed</span>"
    "<span class=\"died\">its task ended</span><span class=\"pending\">has not returned</span>"
    "<span class=\"quiet\">all is quiet</span>";

}  // namespace

std::string DrawLanes(const History& history, int width, const Blame& blame) {
  const LaneLayout layout = LayOut(history, width - kGutter, blame);
  std::string out;
  for (int block = 0; block < layout.blocks(); ++block) {
    if (block > 0) out += "\n";
    out += DrawBlock(layout, block);
  }
  return out;
}

std::string LanesPage(const History& history, std::string_view title, std::string_view story,
                      const Blame& blame) {
  const LaneLayout layout = LayOut(history, kPageWidth, blame);
  std::string picture;
  int height = 0;
  for (int block = 0; block < layout.blocks(); ++block) {
    height = DrawBlockAsSvg(layout, block, height, &picture);
  }
  const int width = kLeft + (layout.width + 1) * kColumn;
  std::string out = Cat("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
                        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
                        Escape(title), "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n");
  Append(&out, "<h1>", Escape(title), "</h1>\n");
  if (!story.empty()) Append(&out, "<pre>", Escape(story), "</pre>\n");
  Append(&out, kLegend, blame.task < 0 ? "" : "<span class=\"blamed\">not explained</span>",
         "</p>\n");
  Append(&out, "<div class=\"scroll\"><svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" ",
         "width=\"", width, "\" height=\"", height, "\" viewBox=\"0 0 ", width, " ", height,
         "\">\n", picture, "</svg></div>\n</body>\n</html>\n");
  return out;
}

}  // namespace ipcspec
