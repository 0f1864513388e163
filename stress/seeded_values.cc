// Seeded faults of the values of semaphores and of shared words.
#include <map>
#include <optional>

#include "stress/seeder.h"

namespace ipcspec {

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

}  // namespace ipcspec
