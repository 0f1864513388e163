#include "stress/seeded_fault.h"

#include <algorithm>

#include "stress/seeder.h"

namespace ipcspec {

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
      seeder.SwapReads();
      break;
    case SeededFault::kDuplicate:
      seeder.Duplicate();
      seeder.ReadTwice();
      break;
    case SeededFault::kLoss:
      seeder.Loss();
      seeder.LoseBytes();
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
