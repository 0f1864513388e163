// What shrinking offers: every candidate is a program, and taking one after another ends.
#include "conformance/shrink.h"

#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ipcspec {
namespace {

using testing::Contains;

Program Parse(std::string_view text) {
  const absl::StatusOr<Program> program = ParseProgram("ipcspec program 1\n" + std::string(text));
  EXPECT_TRUE(program.ok()) << program.status();
  return program.ok() ? *program : Program();
}

TEST(Shrink, DropsStepsWithWhatRefersToThem) {
  const Program program = Parse("1: t0 pipe2()\n2: t0 write(fd=@1.1, data=\"x\")\n");
  const std::vector<Program> simpler = SimplerPrograms(program);
  EXPECT_THAT(simpler, Contains(Parse("1: t0 pipe2()\n")));
  EXPECT_THAT(simpler, Contains(Program()));  // without the pipe there is nothing to write to
}

TEST(Shrink, LetsTheFirstTaskDoWhatOthersDid) {
  const Program program =
      Parse("1: t0 fork()\n2: t1 msgget(flags=0600)\n3: t1 msgsnd(id=@2, data=\"x\")\n");
  EXPECT_THAT(
      SimplerPrograms(program),
      Contains(Parse("1: t0 fork()\n2: t0 msgget(flags=0600)\n3: t0 msgsnd(id=@2, data=\"x\")\n")));
}

TEST(Shrink, Ends) {
  Program program = Parse(
      "1: t0 fork()\n2: t1 fork()\n3: t2 pipe2()\n4: t2 write(fd=@3.1, data=\"abcdefgh\"*9)\n"
      "5: t2 sigaction(signal=SIGUSR1, disposition=handle_restart)\n");
  int taken = 0;
  // The last candidate is the shyest.
  for (std::vector<Program> next = SimplerPrograms(program); !next.empty();
       next = SimplerPrograms(program)) {
    program = next.back();
    ASSERT_LT(++taken, 1000);
  }
  EXPECT_LE(program.steps.size(), 1u);
}

}  // namespace
}  // namespace ipcspec
