// Seeded faults of the bytes in pipes.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stress/seeder.h"

namespace ipcspec {
namespace {

constexpr size_t kPipeBuf = 4096;   // pipe(7), on Linux
constexpr size_t kMostTexts = 500;  // that are compared with each other

// Whether `data` may be a piece of texts that follow each other whole.
bool IsPieceOf(std::string_view data, const std::set<std::string_view>& texts) {
  std::vector<bool> border(data.size() + 1);  // where a text may begin
  for (std::string_view text : texts) {
    if (text.find(data) != std::string_view::npos) return true;
    for (size_t n = 0; n < std::min(text.size(), data.size()); ++n) {
      if (text.substr(text.size() - n) == data.substr(0, n)) border[n] = true;
    }
  }
  for (size_t at = 0; at < data.size(); ++at) {
    if (!border[at]) continue;
    const std::string_view rest = data.substr(at);
    for (std::string_view text : texts) {
      if (text.substr(0, rest.size()) == rest.substr(0, text.size())) {
        border[std::min(at + text.size(), data.size())] = true;
      }
    }
  }
  return border[data.size()];
}

}  // namespace

Seeder::Marks Seeder::MarksOf(const Traffic& traffic) const {
  std::set<std::string_view> texts;
  Marks marks;
  for (const Transfer& t : traffic.transfers) {
    if (t.message) return {};
    if (!t.puts) continue;
    if (t.text->size() > kPipeBuf) return {};
    texts.insert(*t.text);
    const bool whole = t.op->ok() && t.amount == static_cast<int64_t>(t.text->size());
    if (whole && sent_.at(*t.text) == 1) marks.push_back(&t);
  }
  if (texts.size() > kMostTexts) return {};
  std::erase_if(marks, [&texts](const Transfer* mark) {
    std::set<std::string_view> others = texts;
    others.erase(*mark->text);
    return IsPieceOf(*mark->text, others);
  });
  return marks;
}

// Two reads are swapped, each with a mark, of which one was surely written before the other.
void Seeder::SwapReads() {
  for (const Traffic& traffic : traffic_) {
    const Marks marks = MarksOf(traffic);
    std::vector<std::vector<const Transfer*>> takes(marks.size());  // that have the mark
    for (const Transfer* take : TakesOf(traffic)) {
      for (size_t i = 0; i < marks.size(); ++i) {
        if (take->text->find(*marks[i]->text) != std::string::npos) takes[i].push_back(take);
      }
    }
    for (size_t x = 0; x < marks.size(); ++x) {
      for (size_t y = 0; y < marks.size(); ++y) {
        if (!marks[x]->op->Before(*marks[y]->op)) continue;
        for (const Transfer* a : takes[x]) {
          for (const Transfer* b : takes[y]) {
            if (!a->op->Before(*b->op)) continue;
            Add([a = a->op->returned, b = b->op->returned](Events& events) {
              std::swap(events[a].outcome, events[b].outcome);
            });
          }
        }
      }
    }
  }
}

void Seeder::ReadTwice() {
  for (const Traffic& traffic : traffic_) {
    for (const Transfer* mark : MarksOf(traffic)) {
      for (const Transfer* first : TakesOf(traffic)) {
        if (first->text->find(*mark->text) == std::string::npos) continue;
        for (const Transfer* second : TakesOf(traffic)) {
          if (second != first && !second->text->empty()) {
            AddOutcome(*second->op, *first->op->outcome);
          }
        }
      }
    }
  }
}

void Seeder::LoseBytes() {
  if (ends_) return;  // whoever was killed may have read them
  for (const Traffic& traffic : traffic_) {
    const bool all_returned =
        std::all_of(traffic.transfers.begin(), traffic.transfers.end(),
                    [](const Transfer& t) { return t.puts || t.op->outcome != nullptr; });
    if (!all_returned) continue;
    const Marks marks = MarksOf(traffic);
    for (const Transfer* take : TakesOf(traffic)) {
      for (const Transfer* lost : marks) {
        const size_t at = take->text->find(*lost->text);
        if (at == std::string::npos) continue;
        for (const Transfer* kept : marks) {
          const std::string rest = take->text->substr(at + lost->text->size());
          if (!lost->op->Before(*kept->op) || rest.find(*kept->text) == std::string::npos) continue;
          Outcome outcome = *take->op->outcome;
          outcome.data = take->text->substr(0, at) + rest;
          outcome.ret = static_cast<int64_t>(outcome.data.size());
          AddOutcome(*take->op, std::move(outcome));
        }
      }
    }
  }
}

std::set<int64_t> Seeder::WritersUntil(size_t at) const {
  std::map<int64_t, std::pair<int64_t, std::set<int>>> pipes;  // by write end: read end, holders
  for (const Op& op : ops_) {
    if (op.called > at) break;
    if (op.As<MakePipe>() != nullptr && op.ok() && op.outcome->values.size() == 2) {
      pipes[op.outcome->values[1]] = {op.outcome->values[0], {op.task}};
    }
    for (auto& [end, pipe] : pipes) {
      auto& holders = pipe.second;
      const auto* close = op.As<Close>();
      const auto* dup = op.As<Dup2>();
      const bool closes = (close != nullptr && close->fd.value == end) ||
                          (dup != nullptr && dup->to == end) || op.As<Exec>() != nullptr ||
                          op.As<Exit>() != nullptr;
      if (closes) holders.erase(op.task);
      if (op.As<Fork>() != nullptr && op.ok() && op.returned < at && holders.contains(op.task)) {
        holders.insert(static_cast<int>(op.outcome->ret));
      }
    }
  }
  std::set<int> mortal;
  for (const Event& e : events_) {
    if (e.kind == Event::Kind::kExit) mortal.insert(e.task);
  }
  std::set<int64_t> open;
  for (const auto& [end, pipe] : pipes) {
    for (int task : pipe.second) {
      if (!mortal.contains(task)) open.insert(pipe.first);
    }
  }
  return open;
}

void Seeder::EarlyEof() {
  for (const Op* op : Some<Read>()) {
    const int64_t end = op->As<Read>()->fd.value;
    if (op->outcome->ret == 0) continue;
    if (WritersUntil(op->returned).contains(end)) AddOutcome(*op, Returns(0));
  }
}

void Seeder::TornWrite() {
  for (const Traffic& traffic : traffic_) {
    std::set<std::string_view> texts;
    bool whole = true;
    for (const Transfer& t : traffic.transfers) {
      if (t.puts) texts.insert(*t.text);
      whole &= !t.puts || t.text->size() <= kPipeBuf;
    }
    if (!whole || texts.size() > kMostTexts) continue;
    for (const Transfer* take : TakesOf(traffic)) {
      if (take->message) continue;
      const std::string& data = *take->text;
      for (std::string_view a : texts) {
        const size_t at = a.size() < 2 ? std::string::npos : data.find(a);
        if (at == std::string::npos) continue;
        for (std::string_view b : texts) {
          if (b.empty() || data.compare(at + a.size(), b.size(), b) != 0) continue;
          Outcome torn = *take->op->outcome;
          const auto begin = torn.data.begin() + static_cast<std::ptrdiff_t>(at + a.size() / 2);
          const auto middle = torn.data.begin() + static_cast<std::ptrdiff_t>(at + a.size());
          std::rotate(begin, middle, middle + static_cast<std::ptrdiff_t>(b.size()));
          if (!IsPieceOf(torn.data, texts)) AddOutcome(*take->op, std::move(torn));
        }
      }
    }
  }
}

}  // namespace ipcspec
