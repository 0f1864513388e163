// Words of shared memory of a round, as WordModel. The value when the race begins is that of the
// reference's world. Only aligned words are atomic; what overlaps them has no model.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "impl/call/cat.h"
#include "impl/monitor/part.h"
#include "impl/monitor/word_model.h"

namespace ipcspec {
namespace {

using Op = WordOperation;

constexpr int64_t kLargestWord = 8;

struct Access {
  int64_t size = 0;
  const std::string* data = nullptr;  // stored or seen; null: not known
};

Access AccessOf(const Round& round, const CallRecord& r) {
  const Call& call = round.CallOf(r);
  if (const auto* store = std::get_if<Store>(&call)) {
    return {.size = static_cast<int64_t>(store->data.text.size()), .data = &store->data.text};
  }
  Access access;
  if (const auto* load = std::get_if<Load>(&call)) access.size = load->size;
  if (r.returned()) access.data = &round.OutcomeOf(r).data;
  return access;
}

// Why the place cannot be judged as a word; empty: it can.
std::string ObstacleAt(const Round& round, const ObjectName& object, int64_t size) {
  const MemoryObject* memory = round.world().memory->Find(static_cast<int>(object.where));
  const int64_t begin = object.number, end = begin + size;
  if (memory == nullptr || end > memory->size || !memory->loose.empty()) return "memory that ends";
  if (size < 1 || size > kLargestWord || (size & (size - 1)) != 0 || begin % size != 0) {
    return "an access that is no aligned word";
  }
  for (const auto& [offset, semaphore] : memory->semaphores) {
    if (offset < end && begin < offset + PosixSem::kSize) return "an access to a semaphore";
  }
  for (const auto& [other, records] : round.parts()) {
    if (other.kind != ObjectName::kMemory || other.where != object.where || other == object)
      continue;
    for (const uint32_t record : records) {
      if (round.records()[record].call_event < round.race_begin()) continue;
      const int64_t its_end = other.number + AccessOf(round, round.records()[record]).size;
      if (other.number < end && begin < its_end) return "accesses that overlap";
    }
  }
  return "";
}

}  // namespace

PartAnswer CheckWord(const Round& round, const ObjectName& object,
                     absl::Span<const uint32_t> records, const Effort& effort) {
  WordModel model;
  std::map<std::string, uint32_t> values;
  std::vector<Group> groups;
  int64_t size = 0;
  for (const uint32_t record : records) {
    const CallRecord& r = round.records()[record];
    if (r.call_event < round.race_begin()) continue;
    const Access access = AccessOf(round, r);
    if (size == 0) {
      size = access.size;
      if (std::string why = ObstacleAt(round, object, size); !why.empty()) return CannotSay(why);
      const MemoryObject& memory = *round.world().memory->Find(static_cast<int>(object.where));
      values[memory.Load(object.number, size)] = 0;
    }
    if (access.size != size) return CannotSay("accesses of several sizes");
    Op op;
    op.span = r.span;
    op.source = record;
    op.optional = r.killed();
    op.kind = std::holds_alternative<Load>(round.CallOf(r)) ? Op::kLoad : Op::kStore;
    if (op.kind == Op::kLoad && op.optional) continue;
    Outcome expected = Returns(0);
    if (op.kind == Op::kLoad && access.data != nullptr) expected.data = *access.data;
    const bool odd = !r.killed() && (!r.returned() || round.OutcomeOf(r) != expected);
    if (odd || access.data == nullptr || static_cast<int64_t>(access.data->size()) != size) {
      return {.answer = Answer::kImpossible,
              .text = Cat(round.NameOf(record), " returned what it never does"),
              .blamed = {record},
              .groups = {{.records = {record}, .span = r.span}}};
    }
    op.value = values.emplace(*access.data, static_cast<uint32_t>(values.size())).first->second;
    model.operations.push_back(op);
  }
  model.values = static_cast<uint32_t>(std::max<size_t>(1, values.size()));
  PartAnswer answer = Decide(model, effort, round, SweepWord);
  if (answer.answer != Answer::kImpossible) return answer;
  // Without a load the rest is explained if it was before, and so is it without all of a value:
  // its loads come first, and need its stores.
  std::vector<Group> stores(model.values);
  for (const Op& op : model.operations) {
    if (op.kind == Op::kStore) stores[op.value].records.push_back(op.source);
  }
  std::vector<size_t> place(model.values, SIZE_MAX);
  size_t loads =
      static_cast<size_t>(std::count_if(model.operations.begin(), model.operations.end(),
                                        [](const Op& op) { return op.kind == Op::kLoad; }));
  for (uint32_t v = 0; v < model.values; ++v) {
    if (!stores[v].records.empty()) place[v] = loads++;
  }
  for (const Op& op : model.operations) {
    if (op.kind != Op::kLoad) continue;
    answer.groups.push_back({.records = {op.source},
                             .span = round.records()[op.source].span,
                             .watches = false,
                             .needs = place[op.value]});
  }
  for (Group& group : stores) {
    if (group.records.empty()) continue;
    group.span = {.call = kNever, .ret = 0};
    for (const uint32_t record : group.records) {
      group.span.call = std::min(group.span.call, round.records()[record].span.call);
      group.span.ret = std::max(group.span.ret, round.records()[record].span.ret);
    }
    answer.groups.push_back(std::move(group));
  }
  return answer;
}

}  // namespace ipcspec
