// A C++ caller: the library's header is C and C++, and an arena is a member like any other.
#include <kws.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

class KeywordSpotter
{
  public:
    using Input = std::array<std::int8_t, KWS_INPUT_SIZE>;

    // The class with the largest output. Input and output are copied; see kws_input() to save that.
    int classify(const Input &input)
    {
        std::array<std::int8_t, KWS_OUTPUT_SIZE> output;
        kws_invoke(&arena_, input.data(), output.data());
        const auto best = std::max_element(output.begin(), output.end());
        score_ = kws_dequantize_output(*best);
        return static_cast<int>(best - output.begin());
    }

    float score() const
    {
        return score_;
    }

  private:
    kws_arena_t arena_;
    float score_ = 0.0f;
};

int main()
{
    static KeywordSpotter spotter; // static: an arena is usually too large for a stack
    static KeywordSpotter::Input input;
    for (std::size_t i = 0; i < input.size(); i++) {
        input[i] = static_cast<std::int8_t>(i * 7);
    }
    const int found = spotter.classify(input);
    std::printf("class %d, %.3f\n", found, static_cast<double>(spotter.score()));
    return 0;
}
