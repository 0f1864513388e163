#include "stress/seeded_fault.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "stress/seeded_ops.h"

namespace ipcspec {
namespace {

constexpr size_t kPipeBuf = 4096;   // pipe(7), on Linux
constexpr size_t kMostTexts = 500;  // that TornWrite compares
constexpr size_t kMostReads = 200;

class Seeder {
 public:
  Seeder(const History& history, uint64_t seed)
      : events_(history.events),
        ops_(OpsOf(history)),
        traffic_(TrafficOf(history, ops_)),
        ledger_(history, ops_),
        lots_(seed) {
    for (const Op& op : ops_) last_call_[op.task] = op.called;
    for (const Event& e : events_) {
      if (e.kind == Event::Kind::kExit || e.kind == Event::Kind::kKill) ends_ = true;
      if (e.kind == Event::Kind::kSignal) signalled_.insert(e.task);
    }
    for (const Traffic& traffic : traffic_) {
      for (const Transfer& t : traffic.transfers) {
        if (t.text == nullptr) continue;
        ++(t.puts ? sent_ : got_)[*t.text];
        if (t.puts && t.op->ok()) puts_[*t.text] = &t;
      }
    }
  }

  void Swap();
  void Duplicate();
  void Loss();
  void StaleRead();
  void EarlyEof();
  void LostWakeup();
  void Undo(bool twice);
  void TornWrite();
  void TornGetAll();
  void OverCapacity();

  // Makes one of the changes.
  bool Apply(History* history) {
    if (changes_.empty()) return false;
    changes_[lots_() % changes_.size()](history->events);
    return true;
  }

 private:
  using Events = std::vector<Event>;

  void Add(std::function<void(Events&)> change) { changes_.push_back(std::move(change)); }
  void AddOutcome(const Op& op, Outcome outcome) {
    Add([at = op.returned, outcome = std::move(outcome)](Events& events) {
      events[at].outcome = outcome;
    });
  }
  // A message that was sent once, and received whole, once.
  bool IsUnique(const Transfer& take) const {
    if (take.text == nullptr || !take.message) return false;
    const auto sent = sent_.find(*take.text), got = got_.find(*take.text);
    return sent != sent_.end() && sent->second == 1 && got->second == 1;
  }
  // The one send that succeeded of a message that is unique; null where it did not.
  const Transfer* PutOf(const std::string& text) const {
    const auto put = puts_.find(text);
    return put == puts_.end() ? nullptr : put->second;
  }
  // Takes that got something, in order of their calls.
  static std::vector<const Transfer*> TakesOf(const Traffic& traffic) {
    std::vector<const Transfer*> takes;
    for (const Transfer& t : traffic.transfers) {
      if (!t.puts && t.text != nullptr) takes.push_back(&t);
    }
    return takes;
  }
  // Calls of these types that succeeded; of very many, some.
  template <class... C>
  std::vector<const Op*> Some();
  bool MayStayAsleep(const Op& op) const;
  void StaleWord(const Op& load);
  void StaleValue(const Op& get, const SemName& name, size_t index, bool in_values);
  // Who surely has the write end open until `at`, by read end.
  std::set<int64_t> WritersUntil(size_t at) const;

  const Events& events_;
  std::vector<Op> ops_;
  std::vector<Traffic> traffic_;
  SemLedger ledger_;
  std::mt19937_64 lots_;
  std::map<int, size_t> last_call_;  // by task
  std::set<int> signalled_;
  bool ends_ = false;  // some task ends
  std::map<std::string, int> sent_, got_;
  std::map<std::string, const Transfer*> puts_;
  std::vector<std::function<void(Events&)>> changes_;
};

template <class... C>
std::vector<const Op*> Seeder::Some() {
  std::vector<const Op*> some;
  for (const Op& op : ops_) {
    if (op.ok() && ((op.As<C>() != nullptr) || ...)) some.push_back(&op);
  }
  // Each is compared with the whole history.
  if (some.size() > kMostReads) {
    std::shuffle(some.begin(), some.end(), lots_);
    some.resize(kMostReads);
  }
  return some;
}

void Seeder::Swap() {
  for (const Traffic& traffic : traffic_) {
    const std::vector<const Transfer*> takes = TakesOf(traffic);
    for (size_t i = 0; i < takes.size(); ++i) {
      // Neighbours are enough: the next of its kind that was surely later on both sides.
      for (size_t j = i + 1; j < std::min(takes.size(), i + 8); ++j) {
        const Transfer &a = *takes[i], &b = *takes[j];
        if (!IsUnique(a) || !IsUnique(b) || a.kind != b.kind || !a.op->Before(*b.op)) continue;
        const Transfer *first = PutOf(*a.text), *second = PutOf(*b.text);
        if (first == nullptr || second == nullptr || !first->op->Before(*second->op)) continue;
        Add([x = a.op->returned, y = b.op->returned](Events& events) {
          std::swap(events[x].outcome, events[y].outcome);
        });
      }
    }
  }
}

void Seeder::Duplicate() {
  for (const Traffic& traffic : traffic_) {
    const Transfer* before = nullptr;
    for (const Transfer* take : TakesOf(traffic)) {
      if (before != nullptr && take->message && IsUnique(*before)) {
        AddOutcome(*take->op, *before->op->outcome);
      }
      before = take;
    }
  }
}

void Seeder::Loss() {
  if (ends_) return;  // whoever was killed may have taken it
  for (const Traffic& traffic : traffic_) {
    for (const Transfer* take : TakesOf(traffic)) {
      if (take->waits || !IsUnique(*take)) continue;
      const Transfer* put = PutOf(*take->text);
      if (put == nullptr || !put->op->Before(*take->op)) continue;
      AddOutcome(*take->op, Fails(take->op->As<Msgrcv>() != nullptr ? ENOMSG : ETIMEDOUT));
    }
  }
}

void Seeder::StaleWord(const Op& load) {
  const auto place = [](const auto& call) { return call.address.value + call.offset; };
  const Load& call = *load.As<Load>();
  const std::string& seen = load.outcome->data;
  const Op *stored = nullptr, *older = nullptr;
  std::map<std::string, int> texts;
  for (const Op& op : ops_) {
    const Store* store = op.As<Store>();
    if (store == nullptr) continue;
    const std::string& text = store->data.text;
    const int64_t begin = place(*store), end = begin + static_cast<int64_t>(text.size());
    if (end <= place(call) || place(call) + call.size <= begin) continue;
    if (begin != place(call) || end != begin + call.size || op.outcome == nullptr) return;
    ++texts[text];
    if (text == seen) stored = &op;
  }
  if (stored == nullptr || texts[seen] != 1 || !stored->Before(load)) return;
  for (const Op& op : ops_) {
    const Store* store = op.As<Store>();
    if (store != nullptr && place(*store) == place(call) && op.Before(*stored)) older = &op;
  }
  const std::string zero(seen.size(), '\0');
  Outcome stale = *load.outcome;
  stale.data = older != nullptr ? older->As<Store>()->data.text : zero;
  const int times = older != nullptr ? 1 : 0;
  if (texts[stale.data] == times) AddOutcome(load, std::move(stale));
}

void Seeder::StaleValue(const Op& get, const SemName& name, size_t index, bool in_values) {
  const std::optional<int64_t> value = ledger_.ValueAt(name, get);
  if (!value.has_value()) return;
  int64_t change = 0;
  for (const Op& op : ops_) {
    const int64_t its = op.ok() && op.Before(get) ? SemLedger::Change(op, name) : 0;
    if (its != 0) change = its;
  }
  if (change == 0 || *value - change < 0) return;
  Outcome stale = *get.outcome;
  (in_values ? stale.values[index] : stale.ret) = *value - change;
  AddOutcome(get, std::move(stale));
}

void Seeder::StaleRead() {
  for (const Op* one : Some<Load, SemGetVal, SemGetAll, PsemGetValue>()) {
    const Op& op = *one;
    if (op.As<Load>() != nullptr && op.outcome->ret == 0) StaleWord(op);
    if (const auto* get = op.As<SemGetVal>()) {
      StaleValue(op, {.id = get->id.value, .num = static_cast<int>(get->num)}, 0, false);
    } else if (const auto* get = op.As<SemGetAll>()) {
      for (size_t i = 0; i < op.outcome->values.size(); ++i) {
        StaleValue(op, {.id = get->id.value, .num = static_cast<int>(i)}, i, true);
      }
    } else if (const auto* get = op.As<PsemGetValue>()) {
      StaleValue(op, {.id = get->address.value + get->offset}, 0, true);
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

// Whether nothing but the wake-up could be missing: its task does nothing afterwards.
bool Seeder::MayStayAsleep(const Op& op) const {
  return op.ok() && last_call_.at(op.task) == op.called && !signalled_.contains(op.task);
}

void Seeder::LostWakeup() {
  if (ends_) return;  // what those who end leave behind is uncertain
  const auto hide = [this](const Op& op) {
    Add([at = op.returned](Events& events) {
      events.erase(events.begin() + static_cast<std::ptrdiff_t>(at));
    });
  };
  for (const Traffic& traffic : traffic_) {
    for (const Transfer& t : traffic.transfers) {
      if (!MayStayAsleep(*t.op) || t.text == nullptr) continue;
      const bool takes = !t.puts && (t.message ? IsUnique(t) : t.amount > 0);
      const bool puts = t.puts && t.message && sent_.at(*t.text) == 1;
      if (takes || puts) hide(*t.op);
    }
  }
  // By identifier: sets whose values were set absolutely when they were in use already.
  std::map<int64_t, bool> in_use;
  std::map<int64_t, size_t> settled;
  std::set<int64_t> uncertain;
  for (const Op& op : ops_) {
    const auto sets = [&](int64_t id) {
      if (in_use[id]) uncertain.insert(id);
      settled[id] = std::max(settled[id], op.returned);
    };
    if (const auto* set = op.As<SemSetVal>()) sets(set->id.value);
    if (const auto* set = op.As<SemSetAll>()) sets(set->id.value);
    if (const auto* remove = op.As<SemRemove>()) uncertain.insert(remove->id.value);
    if (const auto* semop = op.As<Semop>()) {
      in_use[semop->id.value] = true;
      if (op.called < settled[semop->id.value]) uncertain.insert(semop->id.value);
    }
  }
  for (const Op& op : ops_) {
    if (!MayStayAsleep(op)) continue;
    if (op.As<PsemWait>() != nullptr) hide(op);
    const auto* semop = op.As<Semop>();
    if (semop == nullptr || uncertain.contains(semop->id.value)) continue;
    if (std::all_of(semop->ops.begin(), semop->ops.end(),
                    [](const Sembuf& b) { return b.op < 0; })) {
      hide(op);
    }
  }
}

void Seeder::Undo(bool twice) {
  std::map<int, size_t> ended;  // by task
  for (size_t i = 0; i < events_.size(); ++i) {
    if (events_[i].kind == Event::Kind::kExit) ended[events_[i].task] = i;
  }
  for (const Op* get : Some<SemGetVal, SemGetAll>()) {
    const Op& op = *get;
    const auto* one = op.As<SemGetVal>();
    const auto* all = op.As<SemGetAll>();
    const size_t count = one != nullptr ? 1 : op.outcome->values.size();
    for (size_t i = 0; i < count; ++i) {
      const SemName name = one != nullptr
                               ? SemName{.id = one->id.value, .num = static_cast<int>(one->num)}
                               : SemName{.id = all->id.value, .num = static_cast<int>(i)};
      const std::optional<int64_t> value = ledger_.ValueAt(name, op);
      for (const auto& [task, end] : ended) {
        if (end > op.called) continue;
        const int64_t undone = ledger_.UndoneBy(task, name);
        const int64_t wrong = value.value_or(0) + (twice ? undone : -undone);
        if (!value.has_value() || undone == 0 || wrong < 0) continue;
        Outcome outcome = *op.outcome;
        (one != nullptr ? outcome.ret : outcome.values[i]) = wrong;
        AddOutcome(op, std::move(outcome));
      }
    }
  }
}

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

void Seeder::TornGetAll() {
  for (const Op* some : Some<SemGetAll>()) {
    const Op& get = *some;
    const auto* all = get.As<SemGetAll>();
    const Op* last = nullptr;
    for (const Op& op : ops_) {
      const auto* semop = op.As<Semop>();
      if (semop == nullptr || semop->id.value != all->id.value) continue;
      if (op.ok() && op.Before(get) && SemLedger::Changes(op).size() > 1) last = &op;
    }
    if (last == nullptr) continue;
    for (const SemName& name : SemLedger::Changes(*last)) {
      const std::optional<int64_t> value = ledger_.ValueAt(name, get);
      const int64_t torn = value.value_or(0) - SemLedger::Change(*last, name);
      if (!value.has_value() || torn < 0) continue;
      Outcome outcome = *get.outcome;
      outcome.values[static_cast<size_t>(name.num)] = torn;
      AddOutcome(get, std::move(outcome));
    }
  }
}

// A taker's call is put off until so much has gone in that there was no room without it.
void Seeder::OverCapacity() {
  for (const Traffic& traffic : traffic_) {
    // By event: what surely went in up to it, and what may have gone out.
    std::vector<int64_t> in(events_.size()), out(events_.size());
    for (const Transfer& t : traffic.transfers) {
      if (t.puts && t.op->ok()) in[t.op->returned] += t.amount;
      if (!t.puts) out[t.op->called] += t.amount;
    }
    for (size_t i = 1; i < events_.size(); ++i) in[i] += in[i - 1], out[i] += out[i - 1];
    for (const Transfer* take : TakesOf(traffic)) {
      for (size_t i = take->op->called + 1; i < events_.size(); ++i) {
        const Event& e = events_[i];
        const bool its_own = e.kind != Event::Kind::kQuiet && e.task == take->op->task;
        if (e.kind == Event::Kind::kQuiet || (its_own && i != take->op->returned)) break;
        if (in[i] - (out[i] - take->amount) <= traffic.capacity) continue;
        Add([from = take->op->called, back = take->op->returned, to = i](Events& events) {
          const auto at = [&](size_t n) { return events.begin() + static_cast<std::ptrdiff_t>(n); };
          const size_t moved = back <= to ? 2 : 1;
          if (moved == 2) std::rotate(at(back), at(back + 1), at(to + 1));
          std::rotate(at(from), at(from + 1), at(to + 2 - moved));
          for (size_t n = from; n <= to; ++n) {
            events[n].time_ns = std::max(events[n].time_ns, n > 0 ? events[n - 1].time_ns : 0);
          }
        });
        break;
      }
    }
  }
}

}  // namespace

std::string_view NameOf(SeededFault fault) {
  constexpr std::string_view kNames[] = {"swap",           "duplicate",         "loss",
                                         "stale read",     "early end of file", "lost wake-up",
                                         "undo forgotten", "undo twice",        "torn write",
                                         "torn GETALL",    "over capacity"};
  return kNames[static_cast<size_t>(fault)];
}

bool Seed(SeededFault fault, uint64_t seed, History* history) {
  Seeder seeder(*history, seed);
  switch (fault) {
    case SeededFault::kSwap:
      seeder.Swap();
      break;
    case SeededFault::kDuplicate:
      seeder.Duplicate();
      break;
    case SeededFault::kLoss:
      seeder.Loss();
      break;
    case SeededFault::kStaleRead:
      seeder.StaleRead();
      break;
    case SeededFault::kEarlyEof:
      seeder.EarlyEof();
      break;
    case SeededFault::kLostWakeup:
      seeder.LostWakeup();
      break;
    case SeededFault::kUndoForgotten:
      seeder.Undo(false);
      break;
    case SeededFault::kUndoTwice:
      seeder.Undo(true);
      break;
    case SeededFault::kTornWrite:
      seeder.TornWrite();
      break;
    case SeededFault::kTornGetAll:
      seeder.TornGetAll();
      break;
    case SeededFault::kOverCapacity:
      seeder.OverCapacity();
      break;
  }
  return seeder.Apply(history);
}

}  // namespace ipcspec
