// The judge against the exact oracle, over small rounds: true ones, and spoiled ones.
#include "impl/monitor/judge.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "impl/call/bytes.h"
#include "impl/call/cat.h"
#include "impl/monitor/random_round.h"
#include "impl/oracle/oracle.h"

namespace ipcspec {
namespace {

using Scripts = std::vector<std::pair<int, std::vector<Call>>>;

// Plays one random round of an object; `seed` decides all.
using Play = void (*)(RandomRound&);

std::vector<int> Spawn(RandomRound& round, int count) {
  std::vector<int> tasks;
  for (int i = 0; i < count; ++i) tasks.push_back(round.Spawn());
  return tasks;
}

// Tasks with a handler, and what task 0 does to them.
std::vector<int> SpawnVictims(RandomRound& round, int count, std::vector<Call>* trouble) {
  const std::vector<int> tasks = Spawn(round, count);
  if (round.Toss(2) == 0) return tasks;
  for (const int task : tasks) {
    const Disposition how = round.Toss(2) == 0 ? Disposition::kHandle : Disposition::kHandleRestart;
    round.Do(task, Sigaction{.signal = SIGUSR1, .disposition = how});
  }
  for (int i = round.Toss(3); i > 0; --i) {
    const int victim = tasks[static_cast<size_t>(round.Toss(count))];
    trouble->push_back(Kill{.target = victim, .signal = round.Toss(2) == 0 ? SIGUSR1 : SIGKILL});
  }
  return tasks;
}

void PlaySysvQueue(RandomRound& round) {
  const int64_t id = round.Do(0, Msgget{.key = IPC_PRIVATE, .flags = 0600}).ret;
  round.Do(0, MsgSet{.id = id, .mode = 0600, .qbytes = 4 + round.Toss(10)});
  std::vector<Call> trouble;
  const std::vector<int> tasks = SpawnVictims(round, 2 + round.Toss(2), &trouble);
  const bool typed = round.Toss(2) == 0;
  int value = 0;
  Scripts scripts;
  for (const int task : tasks) {
    std::vector<Call> calls;
    for (int i = 0; i < round.calls; ++i) {
      const MsgFlags nowait = round.Toss(3) == 0 ? IPC_NOWAIT : 0;
      if (round.Toss(2) == 0) {
        const std::string text =
            Cat("m", ++value) + std::string(static_cast<size_t>(round.Toss(3)), '.');
        calls.push_back(
            Msgsnd{.id = id, .type = typed ? 1 + round.Toss(3) : 1, .data = text, .flags = nowait});
      } else {
        const int64_t type = typed ? round.Toss(6) - 2 : 0;
        const MsgFlags flags = nowait.bits | (type > 0 && round.Toss(4) == 0 ? MSG_EXCEPT : 0);
        calls.push_back(
            Msgrcv{.id = id, .size = round.Toss(4) == 0 ? 2 : 64, .type = type, .flags = flags});
      }
    }
    scripts.emplace_back(task, std::move(calls));
  }
  scripts.emplace_back(0, std::move(trouble));
  round.Race(std::move(scripts));
  for (int i = 0; i < 3; ++i) {
    if (round.Idle(0)) round.Do(0, Msgrcv{.id = id, .size = 64, .type = 0, .flags = IPC_NOWAIT});
  }
}

void PlayPosixQueue(RandomRound& round) {
  const bool nonblocking = round.Toss(2) == 0;
  const int64_t fd = round
                         .Do(0, MqOpen{.name = "/q",
                                       .flags = O_RDWR | O_CREAT | (nonblocking ? O_NONBLOCK : 0),
                                       .maxmsg = 1 + round.Toss(3),
                                       .msgsize = 16})
                         .ret;
  std::vector<Call> trouble;
  const std::vector<int> tasks = SpawnVictims(round, 2 + round.Toss(2), &trouble);
  int value = 0;
  Scripts scripts;
  for (const int task : tasks) {
    std::vector<Call> calls;
    for (int i = 0; i < round.calls; ++i) {
      const Nanos timeout = round.Toss(3) == 0 ? 5000 : Nanos::kForever;
      if (round.Toss(2) == 0) {
        calls.push_back(MqSend{
            .fd = fd, .data = Cat("m", ++value), .priority = round.Toss(3), .timeout = timeout});
      } else {
        calls.push_back(MqReceive{.fd = fd, .size = 16, .timeout = timeout});
      }
    }
    scripts.emplace_back(task, std::move(calls));
  }
  scripts.emplace_back(0, std::move(trouble));
  round.Race(std::move(scripts));
  for (int i = 0; i < 2; ++i) {
    if (round.Idle(0)) round.Do(0, MqReceive{.fd = fd, .size = 16, .timeout = 0});
  }
}

void PlaySysvSem(RandomRound& round) {
  const int sems = 1 + round.Toss(2);
  const int64_t id = round.Do(0, Semget{.key = IPC_PRIVATE, .nsems = sems, .flags = 0600}).ret;
  for (int i = 0; i < sems; ++i) {
    round.Do(0, SemSetVal{.id = id, .num = i, .value = round.Toss(3)});
  }
  Scripts scripts;
  std::vector<Call> trouble;
  for (const int task : SpawnVictims(round, 2 + round.Toss(2), &trouble)) {
    std::vector<Call> calls;
    for (int i = 0; i < round.calls; ++i) {
      const int what = round.Toss(10);
      if (what == 0) {
        calls.push_back(SemGetVal{.id = id, .num = round.Toss(sems)});
      } else if (what == 1) {
        calls.push_back(SemGetAll{.id = id});
      } else if (what == 2) {
        calls.push_back(SemSetVal{.id = id, .num = round.Toss(sems), .value = round.Toss(3)});
      } else if (what == 3 && i + 1 == round.calls) {
        calls.push_back(Exit{.status = 1});
      } else {
        Semop semop{.id = id};
        const SemopFlags nowait = round.Toss(2) == 0 ? IPC_NOWAIT : 0;
        for (int e = 1 + round.Toss(2); e > 0; --e) {
          const int64_t amount = round.Toss(6) == 0 ? 0 : round.Toss(2) == 0 ? 1 : -1;
          const int64_t undo = amount != 0 && round.Toss(3) == 0 ? SEM_UNDO : 0;
          semop.ops.push_back({round.Toss(sems), amount, nowait.bits | undo});
        }
        if (nowait.bits == 0 && round.Toss(3) == 0) semop.timeout = 5000;
        calls.push_back(semop);
      }
    }
    scripts.emplace_back(task, std::move(calls));
  }
  scripts.emplace_back(0, std::move(trouble));
  round.Race(std::move(scripts));
  if (round.Idle(0)) round.Do(0, SemGetAll{.id = id});
}

void PlayPosixSem(RandomRound& round) {
  const int64_t at =
      round.Do(0, Mmap{.prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED | MAP_ANONYMOUS}).ret;
  round.Do(0, PsemInit{.address = at, .shared = true, .value = round.Toss(3)});
  Scripts scripts;
  std::vector<Call> trouble;
  for (const int task : SpawnVictims(round, 2 + round.Toss(2), &trouble)) {
    std::vector<Call> calls;
    for (int i = 0; i < round.calls; ++i) {
      switch (round.Toss(5)) {
        case 0:
        case 1:
          calls.push_back(PsemPost{.address = at});
          break;
        case 2:
          calls.push_back(PsemTryWait{.address = at});
          break;
        case 3:
          calls.push_back(PsemGetValue{.address = at});
          break;
        default:
          calls.push_back(
              PsemWait{.address = at, .timeout = round.Toss(2) == 0 ? 5000 : Nanos::kForever});
      }
    }
    scripts.emplace_back(task, std::move(calls));
  }
  scripts.emplace_back(0, std::move(trouble));
  round.Race(std::move(scripts));
  if (round.Idle(0)) round.Do(0, PsemGetValue{.address = at});
}

void PlayPipe(RandomRound& round) {
  const bool nonblocking = round.Toss(2) == 0;
  round.Do(0, MakePipe{.flags = nonblocking ? O_NONBLOCK : 0});
  if (round.Toss(2) == 0) round.Do(0, SetPipeSize{.fd = 3, .size = 8192});
  const int pipe_size = round.Toss(2) == 0 ? 8192 : 4096;
  round.Do(0, SetPipeSize{.fd = 4, .size = pipe_size});
  Scripts scripts;
  std::vector<Call> trouble;
  char tag = 'A';
  for (const int task : SpawnVictims(round, 2 + round.Toss(2), &trouble)) {
    std::vector<Call> calls;
    const bool writes = round.Toss(2) == 0;
    int64_t offset = 0;
    for (int i = 0; i < round.calls; ++i) {
      if (round.Toss(8) == 0) {
        calls.push_back(Fionread{.fd = 3});
      } else if (writes || round.Toss(3) == 0) {
        int64_t size = 8 * (1 + round.Toss(3));
        if (round.Toss(3) == 0) size = 1000 * (1 + round.Toss(4));
        if (nonblocking && round.Toss(6) == 0) size = 4400;
        calls.push_back(Write{.fd = 4, .data = Pattern(tag, offset, size)});
        offset += (size + 7) / 8 * 8;
      } else {
        calls.push_back(Read{.fd = 3, .count = round.Toss(2) == 0 ? 5000 : 8 + round.Toss(3000)});
      }
    }
    ++tag;
    scripts.emplace_back(task, std::move(calls));
  }
  scripts.emplace_back(0, std::move(trouble));
  round.Race(std::move(scripts));
  if (round.Idle(0)) round.Do(0, Fionread{.fd = 3});
}

void PlayWord(RandomRound& round) {
  const int64_t at =
      round.Do(0, Mmap{.prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED | MAP_ANONYMOUS}).ret;
  round.Do(0, Store{.address = at, .data = "0000"});
  Scripts scripts;
  std::vector<Call> trouble;
  int value = 0;
  const bool twice = round.Toss(3) == 0;  // values that are stored more than once
  for (const int task : SpawnVictims(round, 2 + round.Toss(2), &trouble)) {
    std::vector<Call> calls;
    for (int i = 0; i < round.calls; ++i) {
      if (round.Toss(2) == 0) {
        calls.push_back(
            Store{.address = at, .data = Cat(1000 + (twice ? round.Toss(3) : ++value))});
      } else {
        calls.push_back(Load{.address = at, .size = 4});
      }
    }
    scripts.emplace_back(task, std::move(calls));
  }
  scripts.emplace_back(0, std::move(trouble));
  round.Race(std::move(scripts));
  if (round.Idle(0)) round.Do(0, Load{.address = at, .size = 4});
}

// Changes something that was seen, at random. Not always for the worse.
bool Spoil(RandomRound& toss, size_t race_begin, History* history) {
  std::vector<size_t> returns;
  for (size_t i = race_begin; i < history->events.size(); ++i) {
    if (history->events[i].kind == Event::Kind::kReturn) returns.push_back(i);
  }
  if (returns.size() < 2) return false;
  const auto pick = [&]() -> Event& {
    return history->events[returns[static_cast<size_t>(toss.Toss(int(returns.size())))]];
  };
  Event &a = pick(), &b = pick();
  switch (toss.Toss(7)) {
    case 0:  // two outcomes are swapped
      if (a.outcome == b.outcome) return false;
      std::swap(a.outcome, b.outcome);
      return true;
    case 1:  // one is seen twice
      if (a.outcome == b.outcome) return false;
      a.outcome = b.outcome;
      return true;
    case 2: {  // a failure that was none, or a success that was none
      static constexpr int kErrors[] = {EAGAIN, ENOMSG, ETIMEDOUT, EINTR, E2BIG};
      a.outcome = a.outcome.ok() ? Fails(kErrors[toss.Toss(5)]) : Returns(0);
      return true;
    }
    case 3:
    case 4: {  // a later return comes before an earlier call: the two did not overlap at all
      std::vector<Event>& events = history->events;
      const size_t at = static_cast<size_t>(&a - events.data());
      for (size_t i = at; i > race_begin; --i) {
        Event &before = events[i - 1], &event = events[i];
        if (before.kind == Event::Kind::kQuiet || before.task == event.task) break;
        std::swap(before, event);
        std::swap(before.time_ns, event.time_ns);
      }
      return true;
    }
    case 5: {  // a call is made later
      std::vector<Event>& events = history->events;
      size_t at = static_cast<size_t>(&a - events.data());
      while (events[at].kind != Event::Kind::kCall || events[at].task != a.task) --at;
      const int task = a.task;
      for (; at + 1 < events.size(); ++at) {
        Event &event = events[at], &after = events[at + 1];
        if (after.kind == Event::Kind::kQuiet || after.task == task) break;
        std::swap(event, after);
        std::swap(event.time_ns, after.time_ns);
      }
      return true;
    }
    default: {  // a call never returns
      const int task = a.task;
      const size_t at = static_cast<size_t>(&a - history->events.data());
      std::vector<Event>& events = history->events;
      for (size_t i = events.size(); i-- > at;) {
        if (events[i].task == task && events[i].kind != Event::Kind::kQuiet) {
          events.erase(events.begin() + static_cast<std::ptrdiff_t>(i));
        }
      }
      return true;
    }
  }
}

struct Count {
  int allowed = 0, forbidden = 0, undecided = 0;
  std::map<std::string, int> reasons;  // of the undecided, without numbers
};

// Judges and compares. Undecided is honest; it is counted, by reason.
void Compare(const History& history, size_t race_begin, const Effort& effort, Count* count) {
  std::string story;
  const Verdict exact = ExplainHistory(history, &story);
  if (exact == Verdict::kUndecided) return;
  const Judgement judgement = Judge(history, race_begin, effort);
  if (judgement.verdict == Verdict::kUndecided) {
    ++count->undecided;
    std::string reason = judgement.story;
    std::erase_if(reason, [](char c) { return '0' <= c && c <= '9'; });
    ++count->reasons[reason];
    EXPECT_EQ(judgement.story.find("disagree"), std::string::npos) << judgement.story << "\n"
                                                                   << ToText(history);
    return;
  }
  ++(exact == Verdict::kAllowed ? count->allowed : count->forbidden);
  EXPECT_EQ(static_cast<int>(judgement.verdict), static_cast<int>(exact)) << judgement.story << "\n"
                                                                          << story << "\n"
                                                                          << ToText(history);
  if (judgement.verdict == Verdict::kForbidden) {
    EXPECT_EQ(static_cast<int>(ExplainHistory(judgement.counterexample, &story)),
              static_cast<int>(Verdict::kForbidden));
  }
}

// Every way of looking must find the same: with and without the sweeps, and each rule.
void CompareEfforts(const History& history, size_t race_begin) {
  const Round round(history, race_begin);
  if (round.setup_verdict() != Verdict::kAllowed || !round.obstacle().empty()) return;
  const Answer answer = CheckParts(round, {}).worst.answer;
  std::vector<Effort> efforts = {{.sweep = false}, {.sweep = false, .rules = 0}};
  for (int rule = 1; rule <= 10; ++rule) {
    efforts.push_back({.sweep = false, .rules = kAllRules & ~(uint32_t{1} << rule)});
    efforts.push_back({.sweep = false, .rules = uint32_t{1} << rule});
  }
  for (const Effort& effort : efforts) {
    EXPECT_EQ(static_cast<int>(CheckParts(round, effort).worst.answer), static_cast<int>(answer))
        << "rules " << effort.rules << "\n"
        << ToText(history);
  }
}

class JudgeRounds : public testing::TestWithParam<std::pair<const char*, Play>> {};

TEST_P(JudgeRounds, AgreesWithTheOracle) {
  constexpr int kRounds = 120;
  Count truths, spoiled;
  for (int seed = 1; seed <= kRounds && !HasFailure(); ++seed) {
    RandomRound round(static_cast<uint32_t>(seed));
    GetParam().second(round);
    SCOPED_TRACE(seed);
    Compare(round.history(), round.race_begin(), {}, &truths);
    CompareEfforts(round.history(), round.race_begin());
    for (int i = 0; i < 4; ++i) {
      History history = round.history();
      if (Spoil(round, round.race_begin(), &history)) {
        Compare(history, round.race_begin(), {}, &spoiled);
        CompareEfforts(history, round.race_begin());
      }
    }
  }
  EXPECT_EQ(truths.forbidden, 0);
  EXPECT_GT(truths.allowed, kRounds * 9 / 10) << truths.undecided;
  EXPECT_GT(spoiled.forbidden, kRounds / 2);
  EXPECT_LT(spoiled.undecided, spoiled.forbidden / 5);
}

// In larger rounds, what is shown of a fault is small, and is what the oracle rejects.
TEST_P(JudgeRounds, ShowsFewCalls) {
  const bool is_pipe = std::string(GetParam().first) == "Pipe";
  int few = 0;  // counter-examples of up to 12 calls
  Count count;
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    RandomRound round(1000 + seed);
    round.calls = is_pipe ? 6 : 60;
    GetParam().second(round);
    EXPECT_EQ(static_cast<int>(Judge(round.history(), round.race_begin()).verdict),
              static_cast<int>(Verdict::kAllowed))
        << seed;
    for (int i = 0; i < 4; ++i) {
      History history = round.history();
      if (!Spoil(round, round.race_begin(), &history)) continue;
      const Judgement judgement = Judge(history, round.race_begin());
      ++(judgement.verdict == Verdict::kAllowed     ? count.allowed
         : judgement.verdict == Verdict::kForbidden ? count.forbidden
                                                    : count.undecided);
      if (judgement.verdict != Verdict::kForbidden) continue;
      std::string story;
      EXPECT_EQ(static_cast<int>(ExplainHistory(judgement.counterexample, &story)),
                static_cast<int>(Verdict::kForbidden));
      few += CallsIn(judgement.counterexample, round.race_begin()) <= 12;
    }
  }
  // Bytes of a stream cannot be left out one by one, so there small rounds stay as they are.
  EXPECT_GT(count.forbidden, 30);
  if (!is_pipe) {
    EXPECT_GE(few * 10, count.forbidden * 8);
  }
}

// What random rounds seldom come to. Lines are 1 us apart; `before` of them are no race yet.
Judgement JudgeLines(const Dialect& dialect, const std::vector<const char*>& lines, size_t before) {
  std::string text = ToText(History{.dialect = dialect, .events = {}});
  int64_t time = 0;
  for (const char* line : lines) Append(&text, time += 1000, " ", std::string_view(line), "\n");
  const absl::StatusOr<History> history = ParseHistory(text);
  EXPECT_TRUE(history.ok()) << history.status();
  return history.ok() ? Judge(*history, before) : Judgement();
}

TEST(Judge, TaskDoesNothingAfterItsEnd) {
  // Its give is undone when it ends, whether or not it had happened: 1 is never seen.
  const Judgement judgement = JudgeLines(
      {},
      {"t0 call 1: semget(nsems=1, flags=0600)", "t0 return 0", "quiet", "t0 call 2: fork()",
       "t0 return 2", "quiet", "t0 call 3: kill(target=2, signal=SIGKILL)",
       "t2 call 4: semop(id=0, ops=[{num=0, op=1, flags=SEM_UNDO}])", "t0 return 0",
       "t2 killed SIGKILL", "t0 call 5: sem_getval(id=0)", "t0 return 1", "quiet"},
      6);
  EXPECT_EQ(static_cast<int>(judgement.verdict), static_cast<int>(Verdict::kForbidden))
      << judgement.story;
}

TEST(Judge, TimeoutInTicksMayBeALittleEarly) {
  const std::vector<const char*> lines = {
      "t0 call 1: semget(nsems=1, flags=0600)",
      "t0 return 0",
      "quiet",
      "t0 call 2: semop(id=0, ops=[{num=0, op=-1}], timeout=10ms)",
      "t0 return EAGAIN",
      "quiet"};
  for (const auto& [minor, verdict] :
       {std::pair{18, Verdict::kAllowed}, {19, Verdict::kForbidden}}) {
    const Judgement judgement = JudgeLines({.major = 5, .minor = minor}, lines, 3);
    EXPECT_EQ(static_cast<int>(judgement.verdict), static_cast<int>(verdict)) << judgement.story;
  }
}

INSTANTIATE_TEST_SUITE_P(All, JudgeRounds,
                         testing::Values(std::pair("SysvQueue", &PlaySysvQueue),
                                         std::pair("PosixQueue", &PlayPosixQueue),
                                         std::pair("SysvSem", &PlaySysvSem),
                                         std::pair("PosixSem", &PlayPosixSem),
                                         std::pair("Pipe", &PlayPipe),
                                         std::pair("Word", &PlayWord)),
                         [](const auto& info) { return std::string(info.param.first); });

}  // namespace
}  // namespace ipcspec
