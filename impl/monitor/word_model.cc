#include "impl/monitor/word_model.h"

#include <algorithm>

#include "impl/call/cat.h"

namespace ipcspec {
namespace {

using Op = WordOperation;

}  // namespace

void WordModel::Prepare() {
  about_.assign(values, Value());
  about_[0].stores = 1;
  for (const Op& op : operations) {
    Value& about = about_[op.value];
    if (op.kind == Op::kStore) {
      ++about.stores;
    } else {
      ++about.loads;
      about.last_load = std::max(about.last_load, op.span.call);
    }
  }
}

void WordModel::Reset() {
  current_ = 0;
  overwritten_.clear();
  for (Value& about : about_) about.unseen = about.loads;
}

bool WordModel::Enabled(uint32_t operation) const {
  const Op& op = operations[operation];
  return op.kind == Op::kStore || op.value == current_;
}

void WordModel::Apply(uint32_t operation) {
  const Op& op = operations[operation];
  if (op.kind == Op::kLoad) {
    --about_[op.value].unseen;
  } else {
    overwritten_.push_back(current_);
    current_ = op.value;
  }
}

void WordModel::Undo(uint32_t operation) {
  const Op& op = operations[operation];
  if (op.kind == Op::kLoad) {
    ++about_[op.value].unseen;
  } else {
    current_ = overwritten_.back();
    overwritten_.pop_back();
  }
}

uint64_t WordModel::Candidates(const Window& window, uint32_t rules) const {
  const bool settled = about_[current_].unseen == 0;  // nobody is to see the current value
  uint64_t enabled = 0, now = 0;
  ForEach(window, window.open, [&](uint32_t operation, uint64_t bit) {
    if (now != 0 || !Enabled(operation)) return;
    const Op& op = operations[operation];
    // R1: a load of what is there changes nothing.
    if (op.kind == Op::kLoad && (rules & kIdentityFirst) != 0) now = bit;
    if (op.kind == Op::kStore && (rules & kOverwritten) != 0) {
      // R7: what somebody is still to see, and only one store brought, may not be overwritten. What
      // nobody will see can be stored now: the next to change the word is a store anyway.
      if (!settled && IsUnique(current_)) return;
      if (settled && !op.optional && about_[op.value].loads == 0) now = bit;
    }
    enabled |= bit;
  });
  return now != 0 ? now : enabled;
}

// R5: the value whose last load was called first.
uint64_t WordModel::Best(const Window& window, uint64_t candidates, uint32_t rules) const {
  if ((rules & kBestFirst) == 0) return candidates & -candidates;
  uint64_t best = 0, best_key = 0;
  ForEach(window, candidates, [&](uint32_t operation, uint64_t bit) {
    const Op& op = operations[operation];
    const uint64_t last = op.optional ? UINT32_MAX : about_[op.value].last_load;
    const uint64_t key = last << 32 | op.span.ret;
    if (best == 0 || key < best_key) best = bit, best_key = key;
  });
  return best;
}

std::optional<Pattern> SweepWord(const WordModel& model, const Timeline&, NameOperation name) {
  struct Zone {
    uint32_t first_return = UINT32_MAX, last_call = 0;
    uint32_t returned = UINT32_MAX, called = UINT32_MAX;  // the operations of these
    bool stored = false;
  };
  std::vector<Zone> zones(model.values);
  zones[0].first_return = 0;
  zones[0].stored = true;
  for (uint32_t i = 0; i < model.size(); ++i) {
    const Op& op = model.operations[i];
    Zone& zone = zones[op.value];
    zone.stored |= op.kind == Op::kStore;
    if (!op.optional && op.span.ret < zone.first_return) {
      zone.first_return = op.span.ret, zone.returned = i;
    }
    if (!op.optional && op.span.call >= zone.last_call) {
      zone.last_call = op.span.call, zone.called = i;
    }
  }
  std::vector<uint32_t> forward, backward;
  for (uint32_t v = 0; v < model.values; ++v) {
    const Zone& zone = zones[v];
    if (!zone.stored) {
      return Pattern{.text = Cat(name(zone.called), " saw a value that nobody stored"),
                     .operations = {zone.called}};
    }
    if (!model.IsUnique(v) || zone.called == UINT32_MAX) continue;
    (zone.first_return < zone.last_call ? forward : backward).push_back(v);
  }
  std::sort(forward.begin(), forward.end(),
            [&](uint32_t a, uint32_t b) { return zones[a].first_return < zones[b].first_return; });
  const auto report = [&](uint32_t a, uint32_t b) {
    Pattern pattern{.text = Cat("the value of ", name(zones[b].called), " came while that of ",
                                name(zones[a].called), " was there"),
                    .operations = {}};
    // All of both values, so that stores are there with their loads.
    for (uint32_t i = 0; i < model.size(); ++i) {
      const uint32_t value = model.operations[i].value;
      const bool matters = i == zones[a].called || i == zones[a].returned || i == zones[b].called ||
                           i == zones[b].returned || model.operations[i].kind == Op::kStore;
      if ((value == a || value == b) && matters) pattern.operations.push_back(i);
    }
    return pattern;
  };
  for (size_t i = 1; i < forward.size(); ++i) {
    if (zones[forward[i]].first_return < zones[forward[i - 1]].last_call) {
      return report(forward[i - 1], forward[i]);
    }
  }
  for (const uint32_t v : backward) {
    const auto after =
        std::upper_bound(forward.begin(), forward.end(), zones[v].last_call,
                         [&](uint32_t call, uint32_t f) { return call < zones[f].first_return; });
    if (after == forward.begin()) continue;
    const uint32_t around = *(after - 1);
    if (zones[v].first_return < zones[around].last_call) return report(around, v);
  }
  return std::nullopt;
}

}  // namespace ipcspec
