// Tests of patterns and of the text form of bytes: tables of both directions, messages, properties.
#include "impl/call/bytes.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "impl/call/generators.h"
#include "rapidcheck/gtest.h"

namespace ipcspec {
namespace {

struct Parsed {
  bool ok;
  std::string bytes;
  std::string error;
};

Parsed Parse(std::string_view text) {
  Cursor cursor(text);
  Parsed parsed;
  parsed.ok = ParseBytes(cursor, &parsed.bytes) && cursor.EndLine();
  parsed.error = std::string(cursor.status().message());
  return parsed;
}

TEST(Pattern, IsMadeOfNumberedWords) {
  EXPECT_EQ(Pattern('A', 0, 24), "A000000.A000001.A000002.");
  EXPECT_EQ(Pattern('B', 8 * 0x1f + 3, 10), "001f.B0000");
  EXPECT_EQ(Pattern('A', 0, 0), "");
  EXPECT_EQ(Pattern('A', int64_t{1} << 27, 8), Pattern('A', 0, 8)) << "repeats after 128 MiB";
}

TEST(QuoteBytes, PrintsEachPieceTheShortWay) {
  const std::vector<std::pair<std::string, std::string>> kRows = {
      {"", R"("")"},
      {"abc", R"("abc")"},
      {std::string("a\"b\\\n\t\r\0\x7f\xff", 10), R"("a\"b\\\n\t\x0d\x00\x7f\xff")"},
      {std::string(15, 'x'), R"("xxxxxxxxxxxxxxx")"},
      {std::string(16, 'x'), R"("x"*16)"},
      {std::string(500, '\0'), R"("\x00"*500)"},
      {"ab" + std::string(20, 'b') + "c", R"("a"+"b"*21+"c")"},
      {Pattern('A', 0, 23), R"("A000000.A000001.A000002")"},
      {Pattern('A', 0, 24), R"(pattern(A, 0, 24))"},
      {Pattern('A', 5, 24), R"(pattern(A, 5, 24))"},
      {"0" + Pattern('A', 0, 24), R"("0"+pattern(A, 0, 24))"},
      {Pattern('A', 8, 4096) + "\n", R"(pattern(A, 8, 4096)+"\n")"},
      {Pattern('A', 0, 32) + Pattern('B', 32, 30), R"(pattern(A, 0, 32)+pattern(B, 32, 30))"},
      {Pattern('A', 0, 40) + Pattern('A', 48, 40), R"(pattern(A, 0, 40)+pattern(A, 48, 40))"},
      {std::string(20, 'A') + Pattern('A', 0, 40).substr(1), R"("A"*20+pattern(A, 1, 39))"},
  };
  for (const auto& [bytes, text] : kRows) {
    EXPECT_EQ(QuoteBytes(bytes), text);
    EXPECT_EQ(Parse(text).bytes, bytes);
  }
}

// A reader of a story has to see at once what happened to a stream.
TEST(QuoteBytes, ShowsWordsThatAreSwappedDoubledOrLost) {
  const std::string good = Pattern('A', 0, 96);
  const std::string swapped =
      good.substr(0, 32) + good.substr(56, 24) + good.substr(32, 24) + good.substr(80);
  EXPECT_EQ(QuoteBytes(swapped),
            R"(pattern(A, 0, 32)+pattern(A, 56, 24)+pattern(A, 32, 24)+"A00000a.A00000b.")");
  const std::string doubled = good.substr(0, 48) + good.substr(16);
  EXPECT_EQ(QuoteBytes(doubled), "pattern(A, 0, 48)+pattern(A, 16, 80)");
  const std::string lost = good.substr(0, 41) + good.substr(43);
  EXPECT_EQ(QuoteBytes(lost), "pattern(A, 0, 44)+pattern(A, 46, 50)");
}

TEST(ParseBytes, TakesWhatOneWouldWrite) {
  EXPECT_EQ(Parse(R"("ab" * 2 + "c")").bytes, "ababc");
  EXPECT_EQ(Parse(R"("" + pattern( A , 8 , 8 ))").bytes, "A000001.");
  EXPECT_EQ(Parse(R"("\xFf"*0x2)").bytes, "\xff\xff");
  EXPECT_EQ(Parse(R"("a"*0)").bytes, "");
}

TEST(ParseBytes, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> kRows = {
      {"", "column 1: expected bytes, as \"text\" or pattern(A, 0, 24), found the end of the text"},
      {"abc", "column 1: expected bytes, as \"text\" or pattern(A, 0, 24), found \"abc\""},
      {"\"abc", "column 1: the string that begins here has no closing quote on its line"},
      {"\"abc\n\"", "column 1: the string that begins here has no closing quote on its line"},
      {"\"\\", "column 2: expected one of n t x \\ \" after the backslash"},
      {"\"\\q\"", "column 3: expected one of n t x \\ \" after the backslash"},
      {"\"\\x1g\"", "column 5: expected two hexadecimal digits after \\x, found \"g\""},
      {"\"a\"*", "column 5: expected a number, found the end of the text"},
      {"\"a\"*-1", "column 5: expected a number from 0 to 9223372036854775807, found -1"},
      {"\"a\"*99999999999999999999", "column 5: the number does not fit in 64 bits"},
      {"\"a\"*16777217",
       "column 5: more data than one value (16 MiB) or one text (256 MiB) may have"},
      {"\"a\"*16777216+\"b\"",
       "column 14: more data than one value (16 MiB) or one text (256 MiB) may have"},
      {"\"\"*2", "column 4: more data than one value (16 MiB) or one text (256 MiB) may have"},
      {"pattern(A, 0, 16777217)",
       "column 15: more data than one value (16 MiB) or one text (256 MiB) may have"},
      {"pattern(AB, 0, 1)", "column 9: expected the letter of a pattern, found \"AB\""},
      {"pattern(A, 0)", "column 13: expected \",\", found \")\""},
      {"\"a\" \"b\"", "column 5: expected the end of the line, found \"\\\"\""},
  };
  for (const auto& [text, error] : kRows) EXPECT_EQ(Parse(text).error, "line 1, " + error) << text;
}

RC_GTEST_PROP(Bytes, ParseAsTheyPrint, ()) {
  const std::string bytes = AnyBytes();
  const std::string text = QuoteBytes(bytes);
  const Parsed parsed = Parse(text);
  RC_LOG() << text << " " << parsed.error << "\n";
  RC_ASSERT(parsed.ok);
  RC_ASSERT(parsed.bytes == bytes);
}

// 24 bytes of a pattern are found whatever they begin with and whatever is beside them.
RC_GTEST_PROP(Bytes, PatternsAreFoundAtAnyAlignment, ()) {
  const char tag = *rc::gen::element('A', 'Q', 'z');
  const int64_t offset = *rc::gen::inRange<int64_t>(0, (int64_t{1} << 27) - 100);
  const int64_t length = *rc::gen::inRange<int64_t>(24, 100);
  const std::string bytes = "<" + Pattern(tag, offset, length) + ">";
  const std::string expected =
      "\"<\"+" + Cat("pattern(", std::string_view(&tag, 1), ", ", offset, ", ", length, ")") +
      "+\">\"";
  RC_ASSERT(QuoteBytes(bytes) == expected);
}

}  // namespace
}  // namespace ipcspec
