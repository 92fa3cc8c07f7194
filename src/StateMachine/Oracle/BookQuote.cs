namespace AppChain.StateMachine;

/// <summary>What steps 3 and 4 read from a book, in ticks; 0 stands for nothing there.</summary>
/// <param name="BestBid">Highest buy price.</param>
/// <param name="BestAsk">Lowest sell price.</param>
/// <param name="ImpactBid">Average price of selling the impact notional.</param>
/// <param name="ImpactAsk">Average price of buying the impact notional.</param>
internal readonly record struct BookQuote(long BestBid, long BestAsk, long ImpactBid, long ImpactAsk);
