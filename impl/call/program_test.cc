// Tests of programs: their text, what the parser refuses, and the walks over arguments.
#include "impl/call/program.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "impl/call/args.h"
#include "impl/call/generators.h"
#include "impl/call/text.h"
#include "rapidcheck/gtest.h"

namespace ipcspec {
namespace {

constexpr char kExample[] =
    "ipcspec program 1\n"
    "1: t0 pipe2()\n"
    "2: t0 fork()\n"
    "5: t2 read(fd=@1.0, count=10)\n"
    "4: t0 write(fd=@1.1, data=\"hi\")\n";

Program Example() {
  return {{{1, 0, MakePipe{}},
           {2, 0, Fork{}},
           {5, 2, Read{.fd = Fd::Of(1, 0), .count = 10}},
           {4, 0, Write{.fd = Fd::Of(1, 1), .data = "hi"}}}};
}

// Drops the references that ParseProgram would refuse.
Program AnyProgram() {
  Program program;
  std::vector<int> tasks = {0};
  std::set<int> labels;
  const int steps = *rc::gen::inRange(0, 12);
  for (int i = 0; i < steps; ++i) {
    Step step = {.label = *rc::gen::inRange(1, 60), .task = *rc::gen::elementOf(tasks)};
    step.call = *rc::gen::weightedElement<bool>({{1, true}, {4, false}}) ? Call(Fork{}) : AnyCall();
    if (labels.contains(step.label)) continue;
    ForEachArg(step.call, [&](auto& arg) {
      if (arg.is_reference() && !labels.contains(arg.label)) arg = 7;
    });
    labels.insert(step.label);
    if (MakesTask(step.call)) tasks.push_back(step.label);
    program.steps.push_back(std::move(step));
  }
  return program;
}

TEST(Program, PrintsAndParses) {
  EXPECT_EQ(ToText(Example()), kExample);
  const auto parsed = ParseProgram(kExample);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, Example());
}

TEST(Program, MayHaveCommentsAndEmptyLines) {
  const auto parsed = ParseProgram(
      "# a comment\n\nipcspec program 1 # first\r\n\n"
      "  # nothing\n 1 : t0 pipe2 ( ) # a pipe\n\t2:t0 fork()");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, (Program{{{1, 0, MakePipe{}}, {2, 0, Fork{}}}}));
}

TEST(ParseProgram, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> kRows = {
      {"1: t0 semoop()",
       "line 2, column 7: expected the name of a call (near: semop), found \"semoop\""},
      {"x", "line 2, column 1: expected a number, found \"x\""},
      {"0: t0 fork()", "line 2, column 1: expected a number from 1 to 2147483647, found 0"},
      {"1 t0 fork()", "line 2, column 3: expected \":\", found \"t0\""},
      {"1: fork()", "line 2, column 4: expected a task, as t0, found \"fork\""},
      {"1: t-1 fork()", "line 2, column 4: expected a task, as t0, found \"t\""},
      {"1: t99999999999 fork()",
       "line 2, column 4: expected a task, as t0, found \"t99999999999\""},
      {"1: t1 fork()", "line 2, column 4: no earlier step makes the task t1"},
      {"1: t0 fork() 2: t0 fork()", "line 2, column 14: expected the end of the line, found \"2\""},
      {"1: t0 fork()\n1: t0 fork()", "line 3, column 1: there are two steps 1"},
      {"1: t0 pipe2()\n2: t1 fork()", "line 3, column 4: no earlier step makes the task t1"},
      {"1: t0 close(fd=@1)", "line 2, column 7: @1 refers to a step that is not before this"},
      {"1: t0 close(fd=@2)\n2: t0 pipe2()",
       "line 2, column 7: @2 refers to a step that is not before this"},
  };
  for (const auto& [lines, error] : kRows) {
    const auto parsed = ParseProgram("ipcspec program 1\n" + lines);
    EXPECT_EQ(std::string(parsed.status().message()), error) << lines;
  }
  EXPECT_EQ(
      std::string(ParseProgram("ipcspec history 1\n").status().message()),
      "line 1, column 1: expected the line \"ipcspec program 1\", found \"ipcspec history 1\"");
  EXPECT_EQ(std::string(ParseProgram("ipcspec program 12\n").status().message()),
            "line 1, column 18: expected the end of the line, found \"2\"");
  EXPECT_EQ(std::string(ParseProgram("").status().message()),
            "line 1, column 1: expected the line \"ipcspec program 1\", found the end of the text");
}

TEST(Resolve, PutsNumbersInPlaceOfReferences) {
  const auto value = [](ArgKind kind, int label, int index) -> std::optional<int64_t> {
    if (label == 9) return std::nullopt;
    return label * 10 + index + (kind == ArgKind::kFd ? 100 : 0);
  };
  bool ok = false;
  EXPECT_EQ(Resolve(Read{.fd = Fd::Of(1, 0)}, value, &ok), Call(Read{.fd = 110}));
  EXPECT_TRUE(ok);
  EXPECT_EQ(Resolve(Semop{.id = SemId::Of(2), .ops = {{}}}, value, &ok),
            Call(Semop{.id = 19, .ops = {{}}}));
  EXPECT_EQ(Resolve(Poll{.fds = {{.fd = 5}, {.fd = Fd::Of(3, 1)}}}, value, &ok),
            Call(Poll{.fds = {{.fd = 5}, {.fd = 131}}}));
  EXPECT_TRUE(ok);
  EXPECT_EQ(Resolve(Dup2{.fd = Fd::Of(9), .to = Fd::Of(1)}, value, &ok),
            Call(Dup2{.fd = Fd::Of(9), .to = 109}));
  EXPECT_FALSE(ok);
}

TEST(References, AreThoseOfAllArguments) {
  EXPECT_EQ(References(Fork{}), std::vector<int>());
  EXPECT_EQ(References(Dup2{.fd = Fd::Of(4), .to = 7}), std::vector<int>({4}));
  EXPECT_EQ(References(Poll{.fds = {{.fd = Fd::Of(3, 1)}, {.fd = Fd::Of(1)}}}),
            std::vector<int>({3, 1}));
  EXPECT_EQ(References(Kill{.target = 6}), std::vector<int>({6})) << "a task is a label";
  EXPECT_EQ(References(Kill{.target = 0}), std::vector<int>()) << "the first task is always there";
}

TEST(WithoutUnusable, DropsWhatDependsOnDroppedSteps) {
  Program program = {{{1, 0, MakePipe{}},
                      {2, 0, Fork{}},
                      {3, 2, Dup{.fd = Fd::Of(1, 0)}},
                      {4, 2, Close{.fd = Fd::Of(3)}},
                      {5, 0, Kill{.target = 2}},
                      {6, 2, Fork{}},
                      {7, 6, Await{}}}};
  EXPECT_EQ(WithoutUnusable(program), program);

  Program no_pipe = program;
  no_pipe.steps.erase(no_pipe.steps.begin());
  EXPECT_EQ(WithoutUnusable(no_pipe),
            (Program{{program.steps[1], program.steps[4], program.steps[5], program.steps[6]}}));

  Program no_fork = program;
  no_fork.steps.erase(no_fork.steps.begin() + 1);
  EXPECT_EQ(WithoutUnusable(no_fork), (Program{{program.steps[0]}}));
}

RC_GTEST_PROP(Program, ParsesAsItPrints, ()) {
  const Program program = AnyProgram();
  const std::string text = ToText(program);
  const auto parsed = ParseProgram(text);
  RC_LOG() << text << parsed.status() << "\n";
  RC_ASSERT(parsed.ok());
  RC_ASSERT(*parsed == program);
}

// The shrinker drops steps at will: what is left after WithoutUnusable must be a program.
RC_GTEST_PROP(WithoutUnusable, LeavesWhatParses, ()) {
  Program program = AnyProgram();
  std::erase_if(program.steps, [](const Step&) { return *rc::gen::arbitrary<bool>(); });
  const Program rest = WithoutUnusable(program);
  RC_ASSERT(ParseProgram(ToText(rest)).ok());
  RC_ASSERT(WithoutUnusable(rest) == rest);
}

}  // namespace
}  // namespace ipcspec
