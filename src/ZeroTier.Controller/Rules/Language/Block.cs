namespace ZeroTier.Controller.Rules.Language;

/// <summary>What a semicolon closes: the words behind a keyword, and the blocks within (docs/protocol/5-http-api.md 5.9.2).</summary>
internal sealed class Block(Word opener)
{
    /// <summary>The keyword that opened it; the default value for the whole text.</summary>
    public Word Opener => opener;

    public List<Element> Elements { get; } = [];

    /// <summary>
    /// A semicolon directly behind the keyword was meant to close it. In this language it does not, as there is nothing to close yet, and
    /// what follows goes in.
    /// </summary>
    public bool SeemsClosed { get; private set; }

    /// <summary>Orders the words of a text into blocks.</summary>
    public static Block Parse(string source)
    {
        var root = new Block(default);
        var open = new Stack<Block>([root]);
        foreach (Word word in Word.Split(source))
        {
            if (word.Text.Length > 0)
            {
                open.Peek().Elements.Add(new(word, null));
            }

            if (word.Closes && open.Count > 1 && open.Peek().Elements.Count > 0)
            {
                Close(open);
            }
            else if (!word.IsLast && Vocabulary.OpensBlock(word.Text))
            {
                open.Push(new Block(word) { SeemsClosed = word.Closes });
            }
            else if (word.Closes && open.Count > 1)
            {
                open.Peek().SeemsClosed = true;
            }
        }

        while (open.Count > 1)
        {
            Close(open);
        }

        return root;
    }

    private static void Close(Stack<Block> open)
    {
        Block closed = open.Pop();
        if (closed.Elements.Count > 0)
        {
            open.Peek().Elements.Add(new(closed.Opener, closed));
        }
    }
}

/// <summary>A word, or a block. <see cref="Word"/> of a block is its keyword.</summary>
internal readonly record struct Element(Word Word, Block? Block);
