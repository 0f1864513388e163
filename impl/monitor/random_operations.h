// Large histories of one object for benchmarks: tasks that are never idle, half of which give and
// half of which take, with a scheduler that tosses coins.
#ifndef IPCSPEC_IMPL_MONITOR_RANDOM_OPERATIONS_H_
#define IPCSPEC_IMPL_MONITOR_RANDOM_OPERATIONS_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <utility>
#include <vector>

#include "impl/monitor/queue_model.h"
#include "impl/monitor/semaphore_model.h"
#include "impl/monitor/word_model.h"

namespace ipcspec {

// Lets `tasks` tasks work until `count` operations are begun. Object has Operation type `Op` and
//   Op Begin(int task);         the next operation of the task
//   bool TakeEffect(Op&, uint32_t index);   false: not yet
template <class Object>
std::vector<typename Object::Op> PlayOperations(Object& object, int tasks, uint32_t count,
                                                std::mt19937& random) {
  std::vector<typename Object::Op> operations;
  operations.reserve(count);
  struct Task {
    bool busy = false, done = false;
    uint32_t operation = 0;
  };
  std::vector<Task> all(static_cast<size_t>(tasks));
  uint32_t tick = 0, idle = 0;
  while (idle < 1000 * static_cast<uint32_t>(tasks)) {
    const int number = static_cast<int>(random() % static_cast<uint32_t>(tasks));
    Task& task = all[static_cast<size_t>(number)];
    ++idle;
    if (!task.busy) {
      if (operations.size() == count) continue;
      task = {.busy = true, .operation = static_cast<uint32_t>(operations.size())};
      operations.push_back(object.Begin(number));
      operations.back().span.call = tick++;
      operations.back().source = task.operation;
    } else if (!task.done) {
      if (!object.TakeEffect(operations[task.operation], task.operation)) continue;
      task.done = true;
    } else {
      operations[task.operation].span.ret = tick++;
      task.busy = false;
    }
    idle = 0;
  }
  // Those that still sleep at the end are no operations.
  for (const Task& task : all) {
    if (task.busy) operations[task.operation].span.ret = UINT32_MAX;
  }
  return operations;
}

// A message queue of `capacity` messages of `ranks` priorities.
inline QueueModel RandomQueue(int tasks, uint32_t count, int64_t capacity, uint32_t ranks,
                              uint32_t seed) {
  std::mt19937 random(seed);
  struct Object {
    using Op = QueueOperation;
    std::mt19937& random;
    const int tasks;
    const int64_t capacity;
    std::vector<std::deque<uint32_t>> inside;
    int64_t size = 0;

    Op Begin(int task) {
      Op op;
      op.kind = task < tasks / 2 ? Op::kSend : Op::kReceive;
      if (op.kind == Op::kSend) op.rank = random() % static_cast<uint32_t>(inside.size());
      if (op.kind == Op::kReceive && inside.size() > 1) op.selector = Selector::kHighest;
      op.size = op.kind == Op::kSend ? 8 : UINT32_MAX;
      return op;
    }
    bool TakeEffect(Op& op, uint32_t index) {
      if (op.kind == Op::kSend) {
        if (size == capacity) return false;
        inside[op.rank].push_back(index);
        ++size;
        return true;
      }
      if (size == 0) return false;
      auto rank = std::find_if(inside.rbegin(), inside.rend(),
                               [](const auto& messages) { return !messages.empty(); });
      op.mate = rank->front();
      rank->pop_front();
      --size;
      return true;
    }
  };
  Object object{.random = random, .tasks = tasks, .capacity = capacity, .inside = {}};
  object.inside.resize(ranks);
  QueueModel model;
  model.most_messages = capacity;
  model.most_bytes = INT64_MAX / 2;
  model.ranks = ranks;
  model.operations = PlayOperations(object, tasks, count, random);
  // The sleepers at the end are few; without them numbers change.
  std::vector<uint32_t> number(model.operations.size(), QueueOperation::kNone);
  std::vector<QueueOperation> finished;
  for (uint32_t i = 0; i < number.size(); ++i) {
    if (model.operations[i].span.ret == UINT32_MAX) continue;
    number[i] = static_cast<uint32_t>(finished.size());
    finished.push_back(model.operations[i]);
  }
  model.operations = std::move(finished);
  for (uint32_t i = 0; i < model.operations.size(); ++i) {
    QueueOperation& op = model.operations[i];
    if (op.kind != QueueOperation::kReceive) continue;
    op.mate = number[op.mate];
    model.operations[op.mate].mate = i;
  }
  return model;
}

// A semaphore of value `initial`: half of the tasks give 1, half take it.
inline SemaphoreModel RandomSemaphore(int tasks, uint32_t count, int64_t initial, uint32_t seed) {
  std::mt19937 random(seed);
  struct Object {
    using Op = SemaphoreOperation;
    const int tasks;
    int64_t value;
    Op Begin(int task) {
      Op op;
      op.kind = Op::kChange;
      op.array = op.alike = task < tasks / 2 ? 0 : 1;
      op.length = 1;
      return op;
    }
    bool TakeEffect(Op& op, uint32_t) {
      if (op.array == 0 ? value > 1000 : value == 0) return false;
      value += op.array == 0 ? 1 : -1;
      return true;
    }
  };
  Object object{.tasks = tasks, .value = initial};
  SemaphoreModel model;
  model.initial = {initial};
  model.most = INT32_MAX;
  model.tasks = 1;
  model.elements = {{.amount = 1}, {.amount = -1}};
  model.operations = PlayOperations(object, tasks, count, random);
  std::erase_if(model.operations, [](const auto& op) { return op.span.ret == UINT32_MAX; });
  return model;
}

// A word: half of the tasks store values that are all different, half load.
inline WordModel RandomWord(int tasks, uint32_t count, uint32_t seed) {
  std::mt19937 random(seed);
  struct Object {
    using Op = WordOperation;
    const int tasks;
    uint32_t values = 1, current = 0;
    Op Begin(int task) {
      Op op;
      op.kind = task < tasks / 2 ? Op::kStore : Op::kLoad;
      if (op.kind == Op::kStore) op.value = values++;
      return op;
    }
    bool TakeEffect(Op& op, uint32_t) {
      op.kind == Op::kStore ? current = op.value : op.value = current;
      return true;
    }
  };
  Object object{.tasks = tasks};
  WordModel model;
  model.operations = PlayOperations(object, tasks, count, random);
  std::erase_if(model.operations, [](const auto& op) { return op.span.ret == UINT32_MAX; });
  model.values = object.values;
  return model;
}

// Two messages in the middle come out in the wrong order: neither is sent or received beside the
// other.
inline void SwapMessages(QueueModel& model) {
  std::vector<QueueOperation>& ops = model.operations;
  const auto middle = static_cast<uint32_t>(ops.size() / 2);
  for (uint32_t a = middle; a < ops.size(); ++a) {
    if (ops[a].kind != QueueOperation::kReceive) continue;
    for (uint32_t b = a + 1; b < ops.size(); ++b) {
      if (ops[b].kind != QueueOperation::kReceive || ops[b].span.call < ops[a].span.ret) continue;
      QueueOperation &sent_a = ops[ops[a].mate], &sent_b = ops[ops[b].mate];
      if (sent_a.rank != sent_b.rank || sent_b.span.call < sent_a.span.ret ||
          ops[a].span.call < sent_b.span.ret) {
        continue;
      }
      std::swap(ops[a].mate, ops[b].mate);
      std::swap(sent_a.mate, sent_b.mate);
      return;
    }
  }
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_RANDOM_OPERATIONS_H_
