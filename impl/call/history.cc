// The text form of histories: see the header.
#include "impl/call/history.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "impl/call/args.h"
#include "impl/call/cat.h"
#include "impl/call/check.h"
#include "impl/call/cursor.h"
#include "impl/call/text.h"
#include "impl/call/values.h"

namespace ipcspec {

template <>
NameTable EnumTable<Dialect::Kernel>() {
  static constexpr Name kKernels[] = {
      {"linux", static_cast<int64_t>(Dialect::Kernel::kLinux)},
      {"gvisor", static_cast<int64_t>(Dialect::Kernel::kGvisor)},
  };
  return kKernels;
}

namespace {

constexpr std::string_view kHeader = "ipcspec history 1";
constexpr std::string_view kRace = "race";
constexpr int64_t kMaxInt = std::numeric_limits<int>::max();

// Wait statuses (wait(2)): the low seven bits are the signal that killed, 0 for an exit, whose
// status is in the next byte; one bit tells of a core dump.
constexpr int kSignalBits = 0x7f;
constexpr int kCoreBit = 0x80;

// A Dialect whose fields can be visited. The binding does not compile when a field is missing.
struct DialectText : Dialect {
  template <class Self, class V>
  static void Fields(Self& self, V&& v) {
    using Base = std::conditional_t<std::is_const_v<Self>, const Dialect, Dialect>;
    auto& [kernel, release, major, minor, page_size, pipe_max_size, max_descriptors, semmsl, semmns,
           semopm, semmni, limits, max_queue_bytes, max_locked, wall_start, cap_sys_resource,
           cap_ipc_owner, cap_dac_override, cap_sys_admin, cap_ipc_lock] = static_cast<Base&>(self);
    v("kernel", kernel);
    v("release", release);
    v("major", major);
    v("minor", minor);
    v("page_size", page_size);
    v("pipe_max_size", pipe_max_size);
    v("max_descriptors", max_descriptors);
    v("semmsl", semmsl);
    v("semmns", semmns);
    v("semopm", semopm);
    v("semmni", semmni);
    for (const Name& limit : EnumTable<Limit>()) v(limit.text, limits[limit.value]);
    v("max_queue_bytes", max_queue_bytes);
    v("max_locked", max_locked);
    v("wall_start", wall_start);
    v("cap_sys_resource", cap_sys_resource);
    v("cap_ipc_owner", cap_ipc_owner);
    v("cap_dac_override", cap_dac_override);
    v("cap_sys_admin", cap_sys_admin);
    v("cap_ipc_lock", cap_ipc_lock);
  }
};

std::string ToText(const Dialect& dialect) {
  std::string out;
  const DialectText text{dialect};
  DialectText::Fields(text, [&](std::string_view name, const auto& field) {
    Append(&out, out.empty() ? "" : " ", name, "=");
    PrintValue(field, &out);
  });
  return out;
}

// A line that was cut off may look whole: "5 t0 return 12".
bool EndWholeLine(Cursor& cursor) {
  if (!cursor.EndLine()) return false;
  const std::string_view text = cursor.text();
  return !cursor.AtEnd() || text.back() == '\n' ||
         cursor.FailAt(text.size(), "the last line has no end: the text was cut off");
}

bool ParseDialect(Cursor& cursor, Dialect* dialect) {
  DialectText text{*dialect};
  uint64_t seen = 0;
  cursor.NextLine();
  do {
    if (!ParseField(cursor, "the dialect", &seen, &text)) return false;
  } while (!cursor.AtLineEnd());
  *dialect = text;
  return EndWholeLine(cursor);
}

// exit 3, killed SIGKILL, killed SIGSEGV core, exit ?, exit status 4991 (none of the others)
std::string ExitText(int status) {
  if (status == -1) return "exit ?";
  const int signal = status & kSignalBits;
  if (status == (status & 0xff00)) return Cat("exit ", status >> 8);
  if (signal != 0 && signal != kSignalBits && status == (status & (kSignalBits | kCoreBit))) {
    return Cat("killed ", SignalName(signal), (status & kCoreBit) != 0 ? " core" : "");
  }
  return Cat("exit status ", status);
}

// What follows the word "exit".
bool ParseExit(Cursor& cursor, int* status) {
  if (cursor.Take('?')) {
    *status = -1;
    return true;
  }
  if (cursor.TakeWord("status")) return ParseValue(cursor, status);
  if (!cursor.AtNumber()) return cursor.Fail("an exit status, or ? for one that is not known");
  int64_t number = 0;
  if (!cursor.ParseIntegerIn(0, 255, &number)) return false;
  *status = static_cast<int>(number << 8);
  return true;
}

// What follows the word "killed".
bool ParseKilled(Cursor& cursor, int* status) {
  cursor.PeekWord();  // goes to the signal
  const size_t start = cursor.position();
  Signal signal;
  if (!ParseValue(cursor, &signal)) return false;
  if (signal.number < 1 || signal.number >= kSignalBits) {
    return cursor.FailAt(start, Cat("there is no signal ", signal.number));
  }
  *status = signal.number | (cursor.TakeWord("core") ? kCoreBit : 0);
  return true;
}

// Reads the events and keeps who may do what next.
class EventParser {
 public:
  explicit EventParser(Cursor& cursor) : cursor_(cursor) {}

  bool Parse(Event* event) {
    const size_t start = cursor_.position();
    if (!cursor_.ParseIntegerIn(0, INT64_MAX, &event->time_ns)) return false;
    if (event->time_ns < now_ns_) {
      return cursor_.FailAt(start, Cat("the event before has a later time, ", now_ns_));
    }
    now_ns_ = event->time_ns;
    if (cursor_.TakeWord("quiet")) {
      event->kind = Event::Kind::kQuiet;
      event->guessed = cursor_.TakeWord("guessed");
      return true;
    }
    cursor_.PeekWord();  // goes to the task
    const size_t task_start = cursor_.position();
    if (!ParseTask(cursor_, &event->task)) return false;
    const auto task = tasks_.find(event->task);
    if (task == tasks_.end()) {
      return cursor_.FailAt(task_start,
                            Cat("no fork or clone before makes the task t", event->task));
    }
    return ParseWhat(task->second, task_start, event);
  }

 private:
  struct Task {
    bool in_call = false;
    bool ended = false;
  };

  bool ParseWhat(Task& task, size_t task_start, Event* event) {
    const auto wrong = [&](std::string_view what) {
      return cursor_.FailAt(task_start, Cat("t", event->task, " ", what));
    };
    if (cursor_.TakeWord("kill")) {  // it may cross with the task's own end
      event->kind = Event::Kind::kKill;
      return true;
    }
    if (cursor_.TakeWord("call")) {
      event->kind = Event::Kind::kCall;
      if (!ParseLabelledCall(event)) return false;
      if (task.in_call) return wrong("makes a call while it is in a call");
      task.in_call = true;
    } else if (cursor_.TakeWord("return")) {
      event->kind = Event::Kind::kReturn;
      if (!ParseOutcome(cursor_, &event->outcome)) return false;
      if (!task.in_call && !task.ended) return wrong("returns but is in no call");
      task.in_call = false;
    } else if (cursor_.TakeWord("signal")) {
      event->kind = Event::Kind::kSignal;
      Signal signal;
      if (!ParseValue(cursor_, &signal)) return false;
      if (signal.number < 1) return wrong("gets a signal that there is not");
      event->number = signal.number;
    } else if (cursor_.TakeWord("exit")) {
      event->kind = Event::Kind::kExit;
      if (!ParseExit(cursor_, &event->number)) return false;
    } else if (cursor_.TakeWord("killed")) {
      event->kind = Event::Kind::kExit;
      if (!ParseKilled(cursor_, &event->number)) return false;
    } else {
      return cursor_.Fail("call, return, signal, exit, killed or kill");
    }
    if (task.ended) return wrong("has ended before");
    task.ended = event->kind == Event::Kind::kExit;
    return true;
  }

  bool ParseLabelledCall(Event* event) {
    cursor_.PeekWord();  // goes to the label
    const size_t start = cursor_.position();
    int64_t label = 0;
    if (!cursor_.ParseIntegerIn(1, kMaxInt, &label)) return false;
    event->label = static_cast<int>(label);
    if (!labels_.insert(event->label).second) {
      return cursor_.FailAt(start, Cat("there are two calls ", label));
    }
    if (!cursor_.Expect(':')) return false;
    cursor_.PeekWord();  // goes to the call
    const size_t call_start = cursor_.position();
    Call call;
    if (!ParseCall(cursor_, &call)) return false;
    bool has_reference = false;
    ForEachArg(std::as_const(call), [&](const auto& arg) { has_reference |= arg.is_reference(); });
    if (has_reference) {
      return cursor_.FailAt(call_start, "a history has the numbers themselves, not references (@)");
    }
    if (MakesTask(call)) tasks_.try_emplace(event->label);
    event->call = std::make_shared<const Call>(std::move(call));
    return true;
  }

  Cursor& cursor_;
  int64_t now_ns_ = 0;
  std::map<int, Task> tasks_ = {{0, Task()}};
  std::set<int> labels_;
};

}  // namespace

bool Event::operator==(const Event& other) const {
  const bool same_call = call == other.call || (call && other.call && *call == *other.call);
  return same_call && kind == other.kind && time_ns == other.time_ns && task == other.task &&
         label == other.label && outcome == other.outcome && number == other.number &&
         guessed == other.guessed;
}

std::string ToText(const Event& event) {
  const std::string start = Cat(event.time_ns, " t", event.task, " ");
  switch (event.kind) {
    case Event::Kind::kCall:
      return Cat(start, "call ", event.label, ": ", ToText(*event.call));
    case Event::Kind::kReturn:
      return Cat(start, "return ", ToText(event.outcome));
    case Event::Kind::kSignal:
      return Cat(start, "signal ", SignalName(event.number));
    case Event::Kind::kExit:
      return Cat(start, ExitText(event.number));
    case Event::Kind::kKill:
      return Cat(start, "kill");
    case Event::Kind::kQuiet:
      break;
  }
  return Cat(event.time_ns, " quiet", event.guessed ? " guessed" : "");
}

int CallsIn(const History& history, size_t from) {
  return static_cast<int>(std::count_if(
      history.events.begin() + static_cast<std::ptrdiff_t>(from), history.events.end(),
      [](const Event& event) { return event.kind == Event::Kind::kCall; }));
}

std::string ToText(const History& history) {
  std::string out = Cat(kHeader, "\n", ToText(history.dialect), "\n");
  for (size_t i = 0; i < history.events.size(); ++i) {
    if (i == history.race_begin) Append(&out, kRace, "\n");
    Append(&out, ToText(history.events[i]), "\n");
  }
  if (history.race_begin == history.events.size()) Append(&out, kRace, "\n");
  return out;
}

absl::StatusOr<History> ParseHistory(std::string_view text) {
  Cursor cursor(text);
  History history;
  if (!cursor.ExpectHeader(kHeader) || !ParseDialect(cursor, &history.dialect)) {
    return cursor.status();
  }
  EventParser parser(cursor);
  while (cursor.NextLine()) {
    const size_t start = cursor.position();
    if (cursor.TakeWord(kRace)) {
      if (history.race_begin.has_value()) {
        cursor.FailAt(start, "there are two lines that say where the race begins");
        return cursor.status();
      }
      history.race_begin = history.events.size();
    } else if (!parser.Parse(&history.events.emplace_back())) {
      return cursor.status();
    }
    if (!EndWholeLine(cursor)) return cursor.status();
  }
  return history;
}

}  // namespace ipcspec
