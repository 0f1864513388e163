#include "impl/monitor/semaphore_model.h"

#include <algorithm>

namespace ipcspec {
namespace {

using Op = SemaphoreOperation;

bool IsIdentity(const Op& op) { return op.kind >= Op::kRefused; }

}  // namespace

// Whether the operation does nothing but add, for ever.
bool SemaphoreModel::OnlyGives(const Op& op) const {
  const auto array = ElementsOf(op);
  return op.kind == Op::kChange && std::all_of(array.begin(), array.end(), [](const auto& e) {
           return e.amount > 0 && !e.undo;
         });
}

void SemaphoreModel::Prepare() {
  watchers_.clear();
  int64_t highest = initial.empty() ? 0 : *std::max_element(initial.begin(), initial.end());
  for (const Op& op : operations) {
    bool minds = op.kind != Op::kChange && op.kind != Op::kQuiet && op.kind != Op::kInterrupted;
    if (op.kind == Op::kChange || op.kind == Op::kSet) {
      for (const SemaphoreElement& e : ElementsOf(op)) {
        if (e.amount == 0) minds = true;
        highest += std::max(e.amount, 0);
        if (e.undo) highest += std::max(-e.amount, 0);
      }
    }
    if (minds) watchers_.push_back(op.span.call);
  }
  eager_ = highest <= most;
  std::sort(watchers_.begin(), watchers_.end());
}

void SemaphoreModel::Reset() {
  values_ = initial;
  initial_adjustments.resize(values_.size() * tasks);
  adjustments_.assign(values_.size() * tasks, 0);
  gone_.assign(tasks, 0);
  saved_.clear();
  hash_ = Fingerprint();
  for (uint32_t c = 0; c < values_.size(); ++c) {
    hash_ += Fingerprint::Of(c, static_cast<uint64_t>(values_[c]));
    for (uint32_t task = 0; task < tasks; ++task) {
      SetAdjustment(task, c, initial_adjustments[task * values_.size() + c]);
    }
  }
}

void SemaphoreModel::SetValue(uint32_t counter, int64_t value) {
  hash_ -= Fingerprint::Of(counter, static_cast<uint64_t>(values_[counter]));
  values_[counter] = value;
  hash_ += Fingerprint::Of(counter, static_cast<uint64_t>(value));
}

void SemaphoreModel::SetAdjustment(uint32_t task, uint32_t counter, int64_t amount) {
  int64_t& current = AdjustmentOf(task, counter);
  const uint64_t place = (uint64_t{task} + 1) << 32 | counter;
  if (current != 0) hash_ -= Fingerprint::Of(place, static_cast<uint64_t>(current));
  current = amount;
  if (current != 0) hash_ += Fingerprint::Of(place, static_cast<uint64_t>(current));
}

SemaphoreModel::Attempt SemaphoreModel::Try(absl::Span<const SemaphoreElement> array) const {
  for (size_t i = 0; i < array.size(); ++i) {
    int64_t value = values_[array[i].counter];
    for (size_t j = 0; j < i; ++j) {
      if (array[j].counter == array[i].counter) value += array[j].amount;
    }
    const int64_t amount = array[i].amount;
    if (amount == 0 ? value != 0 : value + amount < 0) {
      return array[i].nowait ? Attempt::kRefused : Attempt::kBlocks;
    }
    if (value + amount > most) return Attempt::kOutOfRange;
  }
  return Attempt::kProceeds;
}

bool SemaphoreModel::CanSleep(const SemaphoreSleeper& s) const {
  const Attempt attempt = Try(absl::MakeConstSpan(elements).subspan(s.array, s.length));
  return !s.restless && (s.slept ? attempt != Attempt::kProceeds : attempt == Attempt::kBlocks);
}

bool SemaphoreModel::Enabled(uint32_t operation) const {
  const Op& op = operations[operation];
  switch (op.kind) {
    case Op::kChange:
      if (op.optional && gone_[op.task] != 0) return false;
      return Try(ElementsOf(op)) == Attempt::kProceeds;
    case Op::kRefused:
      return Try(ElementsOf(op)) == Attempt::kRefused;
    case Op::kTimedOut: {
      const Attempt attempt = Try(ElementsOf(op));
      return attempt == Attempt::kBlocks || attempt == Attempt::kRefused;
    }
    case Op::kRead: {
      const auto seen = ElementsOf(op);
      return std::all_of(seen.begin(), seen.end(), [this](const SemaphoreElement& e) {
        return values_[e.counter] == e.amount;
      });
    }
    case Op::kQuiet:
      return std::all_of(sleepers.begin() + op.array, sleepers.begin() + op.array + op.length,
                         [this](const SemaphoreSleeper& s) { return CanSleep(s); });
    default:
      return true;
  }
}

void SemaphoreModel::Apply(uint32_t operation) {
  const Op& op = operations[operation];
  if (op.kind == Op::kChange) {
    for (const SemaphoreElement& e : ElementsOf(op)) {
      SetValue(e.counter, values_[e.counter] + e.amount);
      if (e.undo) SetAdjustment(op.task, e.counter, AdjustmentOf(op.task, e.counter) - e.amount);
    }
  } else if (op.kind == Op::kSet) {
    for (const SemaphoreElement& e : ElementsOf(op)) {
      saved_.push_back(values_[e.counter]);
      SetValue(e.counter, e.amount);
      for (uint32_t task = 0; task < tasks; ++task) {
        saved_.push_back(AdjustmentOf(task, e.counter));
        SetAdjustment(task, e.counter, 0);
      }
    }
  } else if (op.kind == Op::kExit) {
    gone_[op.task] = 1;
    for (uint32_t c = 0; c < values_.size(); ++c) {
      saved_.push_back(values_[c]);
      saved_.push_back(AdjustmentOf(op.task, c));
      SetValue(c, std::clamp<int64_t>(values_[c] + AdjustmentOf(op.task, c), 0, most));
      SetAdjustment(op.task, c, 0);
    }
  }
}

void SemaphoreModel::Undo(uint32_t operation) {
  const Op& op = operations[operation];
  const auto restore = [this] {
    const int64_t value = saved_.back();
    saved_.pop_back();
    return value;
  };
  if (op.kind == Op::kChange) {
    for (const SemaphoreElement& e : ElementsOf(op)) {
      SetValue(e.counter, values_[e.counter] - e.amount);
      if (e.undo) SetAdjustment(op.task, e.counter, AdjustmentOf(op.task, e.counter) + e.amount);
    }
  } else if (op.kind == Op::kSet) {
    const auto array = ElementsOf(op);
    for (size_t i = array.size(); i-- > 0;) {
      for (uint32_t task = tasks; task-- > 0;) SetAdjustment(task, array[i].counter, restore());
      SetValue(array[i].counter, restore());
    }
  } else if (op.kind == Op::kExit) {
    gone_[op.task] = 0;
    for (auto c = static_cast<uint32_t>(values_.size()); c-- > 0;) {
      SetAdjustment(op.task, c, restore());
      SetValue(c, restore());
    }
  }
}

bool SemaphoreModel::NobodyMinds(const Window& window, const Op& give) const {
  const auto next = std::upper_bound(watchers_.begin(), watchers_.end(), window.now);
  if (next != watchers_.end() && *next < give.span.ret) return false;
  bool minds = false;
  ForEach(window, window.open, [&](uint32_t operation, uint64_t) {
    minds |=
        std::binary_search(watchers_.begin(), watchers_.end(), operations[operation].span.call);
  });
  return !minds;
}

uint64_t SemaphoreModel::Candidates(const Window& window, uint32_t rules) const {
  uint64_t enabled = 0, now = 0;
  ForEach(window, window.open, [&](uint32_t operation, uint64_t bit) {
    if (now != 0 || !Enabled(operation)) return;
    const Op& op = operations[operation];
    // R1: what changes nothing can as well be done now. R2: so can what only adds, if nobody minds.
    const bool gives = (rules & kEagerTake) != 0 && eager_ && !op.optional && OnlyGives(op);
    if (((rules & kIdentityFirst) != 0 && IsIdentity(op)) || (gives && NobodyMinds(window, op))) {
      now = bit;
    }
    enabled |= bit;
  });
  if (now != 0) return now;
  if ((rules & kInterchangeable) == 0) return enabled;
  // R6: of operations that do the same, the one that returns first: they can change places.
  uint64_t left = enabled;
  ForEach(window, enabled, [&](uint32_t a, uint64_t bit) {
    ForEach(window, left & ~bit, [&](uint32_t b, uint64_t) {
      const Op &first = operations[b], &second = operations[a];
      if (first.alike == second.alike && first.kind == second.kind && !first.optional &&
          first.span.ret < second.span.ret) {
        left &= ~bit;
      }
    });
  });
  return left;
}

// R5: the one that returns first.
uint64_t SemaphoreModel::Best(const Window& window, uint64_t candidates, uint32_t rules) const {
  if ((rules & kBestFirst) == 0) return candidates & -candidates;
  uint64_t best = 0;
  uint32_t earliest = 0;
  ForEach(window, candidates, [&](uint32_t operation, uint64_t bit) {
    const Op& op = operations[operation];
    const uint32_t key = op.optional ? UINT32_MAX : op.span.ret;
    if (best == 0 || key < earliest) best = bit, earliest = key;
  });
  return best;
}

}  // namespace ipcspec
