#include "impl/oracle/lanes_layout.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "impl/call/cat.h"
#include "impl/call/text.h"

namespace ipcspec {
namespace {

constexpr size_t kLongestCall = 24;
constexpr size_t kLongestOutcome = 22;
constexpr int kNarrowest = 50;

std::string Cut(std::string text, size_t most) {
  if (text.size() > most) text = text.substr(0, most - 2) + "..";
  return text;
}

// The text without the names of fields and without spaces, both outside quotes.
std::string Shorten(std::string_view text, size_t most) {
  std::string out;
  size_t word = 0;  // where in `out` the present word began
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    if (!quoted && c == '=') {
      out.resize(word);
      continue;
    }
    if (!quoted && c == ' ' && !out.empty() && out.back() == ',') continue;
    out += c;
    if (quoted || (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_')) word = out.size();
  }
  return Cut(std::move(out), most);
}

std::string ShortSignal(int signal) {
  const std::string name = SignalName(signal);
  return name.starts_with("SIG") ? name.substr(3) : name;
}

// "t2 exit 3", "t2 killed SIGKILL" of the text of the event, without time and task.
std::string EndOf(const Event& event) {
  const std::string text = ToText(event);
  const size_t task = text.find(' ');
  return text.substr(text.find(' ', task + 1) + 1);
}

class Layouter {
 public:
  Layouter(const History& history, int width, const Blame& blame)
      : history_(history), blame_(blame) {
    layout_.width = std::max(width, kNarrowest);
  }
  LaneLayout Run();

 private:
  // A call that has not ended.
  struct Open {
    size_t called;  // event
    std::string label;
    int from;  // column, counted through all blocks
    bool begins = true;
    bool blamed = false;
    std::vector<LaneBar> pieces;
  };

  int Place(int from, int task, size_t before, size_t length);
  void NextBlock();
  void Write(LaneText::Kind kind, int task, int at, std::string text);
  void Close(int task, int at, LaneBar::End end, const std::string& outcome);
  void Call(size_t index);
  void Return(const Event& event);

  int block() const { return layout_.blocks() - 1; }
  int BlockBegin() const { return block() * layout_.width; }
  int BlockEnd() const { return BlockBegin() + layout_.width; }

  const History& history_;
  const Blame& blame_;
  LaneLayout layout_;
  std::map<int, Open> open_;     // by task
  std::map<int, int> lane_end_;  // by task: the first free column
  int last_ = -1;                // the column of the last event
  int64_t now_ns_ = 0;
};

void Layouter::NextBlock() {
  for (auto& [task, open] : open_) {
    open.pieces.push_back({.block = block(),
                           .task = task,
                           .from = open.from - BlockBegin(),
                           .to = layout_.width - 1,
                           .begins = open.begins});
    open.from = BlockEnd();
    open.begins = false;
  }
  last_ = BlockEnd() - 1;
  layout_.begin_ns.push_back(now_ns_);
  // What goes on is named again.
  for (auto& [task, open] : open_) {
    lane_end_[task] = BlockBegin() + 1;
    Write(LaneText::Kind::kCall, task, BlockBegin() + 1, open.label);
  }
}

// The column of an event of the task, `from` at least, with so many columns of text before it and
// `length` from it on.
int Layouter::Place(int from, int task, size_t before, size_t length) {
  const auto at = [&] {
    return std::max(
        {from, last_ + 1, std::max(lane_end_[task], BlockBegin()) + static_cast<int>(before)});
  };
  if (at() + static_cast<int>(length) >= BlockEnd()) NextBlock();
  return last_ = at();
}

void Layouter::Write(LaneText::Kind kind, int task, int at, std::string text) {
  lane_end_[task] = std::max(lane_end_[task], at + static_cast<int>(text.size()));
  layout_.texts.push_back({.kind = kind,
                           .block = block(),
                           .task = task,
                           .from = at - BlockBegin(),
                           .text = std::move(text)});
}

void Layouter::Call(size_t index) {
  const Event& event = history_.events[index];
  std::string label = Shorten(ToText(*event.call), kLongestCall);
  const int at = Place(lane_end_[event.task] + 1, event.task, 0, label.size() + 2);
  Write(LaneText::Kind::kCall, event.task, at + 1, label);
  open_[event.task] = {.called = index, .label = std::move(label), .from = at};
}

void Layouter::Close(int task, int at, LaneBar::End end, const std::string& outcome) {
  const auto it = open_.find(task);
  if (it == open_.end()) return;
  Open& open = it->second;
  open.pieces.push_back({.block = block(),
                         .task = task,
                         .from = open.from - BlockBegin(),
                         .to = at - BlockBegin(),
                         .begins = open.begins,
                         .ends = end != LaneBar::End::kPending});
  const Event& called = history_.events[open.called];
  const std::string whole =
      Cat("t", task, " ", called.label, ": ", ToText(*called.call), "\n", outcome, "\ncalled at ",
          called.time_ns, " ns",
          end == LaneBar::End::kPending ? std::string() : Cat(", ended at ", now_ns_, " ns"));
  for (LaneBar& piece : open.pieces) {
    piece.end = end;
    piece.blamed = open.blamed;
    piece.whole = whole;
    layout_.bars.push_back(std::move(piece));
  }
  open_.erase(it);
}

void Layouter::Return(const Event& event) {
  const std::string outcome = Shorten(ToText(event.outcome), kLongestOutcome);
  const int at = Place(0, event.task, outcome.size() + 1, 1);
  Write(LaneText::Kind::kOutcome, event.task, at - static_cast<int>(outcome.size()), outcome);
  lane_end_[event.task] = at + 1;
  Close(event.task, at, event.outcome.ok() ? LaneBar::End::kReturned : LaneBar::End::kFailed,
        Cat("returned ", ToText(event.outcome)));
}

LaneLayout Layouter::Run() {
  std::set<int> tasks;
  if (!history_.events.empty()) layout_.begin_ns.push_back(history_.events.front().time_ns);
  for (size_t i = 0; i < history_.events.size(); ++i) {
    const Event& event = history_.events[i];
    now_ns_ = event.time_ns;
    if (event.kind != Event::Kind::kQuiet) tasks.insert(event.task);
    if (const auto open = open_.find(blame_.task); i == blame_.event && open != open_.end()) {
      open->second.blamed = true;
    }
    switch (event.kind) {
      case Event::Kind::kCall:
        Call(i);
        break;
      case Event::Kind::kReturn:
        Return(event);
        break;
      case Event::Kind::kSignal:
      case Event::Kind::kKill: {
        const bool handler = event.kind == Event::Kind::kSignal;
        const std::string text = handler ? Cat("!", ShortSignal(event.number)) : "!!KILL";
        Write(handler ? LaneText::Kind::kSignal : LaneText::Kind::kKill, event.task,
              Place(0, event.task, 1, text.size() + 1), text);
        break;
      }
      case Event::Kind::kExit: {
        const std::string end = EndOf(event);
        const std::string text = Cat("X ", Cut(end, kLongestOutcome));
        const int at = Place(0, event.task, 1, text.size() + 1);
        Close(event.task, at, LaneBar::End::kDied, end);
        Write(LaneText::Kind::kExit, event.task, at, text);
        break;
      }
      case Event::Kind::kQuiet: {
        // Behind all texts.
        int after = 0;
        for (const auto& [task, end] : lane_end_) after = std::max(after, end);
        if (std::max(after, last_ + 1) >= BlockEnd()) NextBlock();
        last_ = std::max(after < BlockEnd() ? after : 0, last_ + 1);
        for (const auto& [task, open] : open_) last_ = std::max(last_, lane_end_[task]);
        layout_.quiets.push_back(
            {.block = block(), .at = last_ - BlockBegin(), .blamed = i == blame_.event});
        break;
      }
    }
  }
  std::vector<int> pending;
  for (const auto& [task, open] : open_) pending.push_back(task);
  for (int task : pending) {
    const int end = std::min(std::max(last_, lane_end_[task]) + 1, BlockEnd() - 1);
    Close(task, end, LaneBar::End::kPending, "has not returned");
  }
  layout_.tasks.assign(tasks.begin(), tasks.end());
  return std::move(layout_);
}

}  // namespace

std::vector<int> LaneLayout::TasksIn(int block) const {
  std::set<int> in;
  for (const LaneBar& bar : bars) {
    if (bar.block == block) in.insert(bar.task);
  }
  for (const LaneText& text : texts) {
    if (text.block == block) in.insert(text.task);
  }
  return {in.begin(), in.end()};
}

LaneLayout LayOut(const History& history, int width, const Blame& blame) {
  return Layouter(history, width, blame).Run();
}

}  // namespace ipcspec
