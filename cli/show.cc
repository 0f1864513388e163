#include "cli/show.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "impl/call/cat.h"
#include "impl/oracle/lanes.h"

namespace ipcspec {
namespace {

constexpr int kNoTerminal = 100;

bool IsQuiet(const Event& event) { return event.kind == Event::Kind::kQuiet; }
bool IsCall(const Event& event) { return event.kind == Event::Kind::kCall; }

}  // namespace

HistoryEnd EndOf(const History& history, const Blame& blame, int most_calls) {
  const auto begin = history.events.begin();
  auto end = history.events.end();
  if (blame.event < history.events.size()) {
    end = std::find_if(begin + static_cast<std::ptrdiff_t>(blame.event), end, IsQuiet);
    if (end != history.events.end()) ++end;
  }
  auto needed = end;  // what comes from here on
  for (auto at = begin; at != end; ++at) {
    if (static_cast<size_t>(at - begin) > blame.event) break;
    if (IsCall(*at) && at->task == blame.task) needed = at;
  }
  auto calls = std::count_if(begin, end, IsCall);
  auto from = begin;
  for (auto at = begin; calls > most_calls && at != end && at < needed; ++at) {
    if (!IsQuiet(*at) || at + 1 == end) continue;
    calls -= std::count_if(from, at + 1, IsCall);
    from = at + 1;
  }
  HistoryEnd drawn;
  drawn.history = {.dialect = history.dialect, .events = {from, end}};
  drawn.calls_before = static_cast<int>(std::count_if(begin, from, IsCall));
  const auto left_out = static_cast<size_t>(from - begin);
  if (blame.event < history.events.size()) {
    drawn.blame = {.event = blame.event - left_out, .task = blame.task};
  }
  return drawn;
}

std::string DrawEnd(const History& history, const Blame& blame, int width) {
  const HistoryEnd drawn = EndOf(history, blame, kMostDrawn);
  if (CallsIn(drawn.history) > kMostDrawn) return "";
  std::string out = DrawLanes(drawn.history, width, drawn.blame);
  if (drawn.blame.task >= 0)
    Append(&out, "      a bar of # is not explained; ~ goes on, | is quiet\n");
  if (drawn.calls_before > 0) {
    Append(&out, "      ", drawn.calls_before, " calls before are not drawn\n");
  }
  return out;
}

int TerminalWidth() {
  winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kNoTerminal;
}

}  // namespace ipcspec
